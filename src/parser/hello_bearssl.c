/* SPDX-License-Identifier: ISC */
/*
 * The ClientHello, read by BearSSL's server engine: a parser that shares
 * nothing with the cursor in hello.c but hostname_parse().
 *
 * The engine is told to speak no version below 0xffff.  It looks at the
 * versions after the last byte of the hello, whatever cipher suites were
 * offered (and there are none here that it could choose), and ends with the
 * alert protocol_version: that alert is how it says that the hello is well
 * formed.  No cryptography is reached.
 *
 * What it does not see as the cursor does:
 * - a name of more than 255 bytes, or of none, it skips: NAMELESS;
 * - of several names, or server_name extensions, the last one wins;
 * - a name ends at its first NUL;
 * - no cipher suite, no compression method, an empty ALPN list or protocol
 *   name pass.
 * What it refuses and the cursor skips:
 * - max_fragment_length, supported_groups, signature_algorithms and
 *   renegotiation_info that are malformed (it reads what is in them).
 */
#include <string.h>

#include <bearssl.h>

#include "hello_bearssl.h"

enum {
	VERSION_NONE = 0xffff,
	VERSION_MAJOR = 3,
	ALERT_PROTOCOL_VERSION = 70,
	HELLO_PARSED = BR_ERR_SEND_FATAL_ALERT + ALERT_PROTOCOL_VERSION,
	/*
	 * Input and output have to be apart, or the alert could not leave
	 * before the end of the record; 1434 bytes are the least for that.
	 * A record in the clear need not fit: it passes through in parts.
	 */
	BUFFER_SIZE = 4096
};

static struct {
	br_ssl_server_context	server;
	uint8_t			buffer[BUFFER_SIZE];
} engine;

/*
 * In order of preference.  Of what a client offers the engine tells only the
 * best of these, so acme-tls/1 is told when nothing else of the list came
 * with it.
 */
static const char *protocols[] = {
	"h2", "http/1.1", "http/1.0", "http/0.9", "spdy/3", "h3", "h2c",
	"stun.turn", "stun.nat-discovery", "webrtc", "c-webrtc", "ftp", "imap",
	"pop3", "managesieve", "coap", "xmpp-client", "xmpp-server", "mqtt",
	"dot", "ntske/1", "sunrpc", "smb", "irc", "nntp", "postgresql",
	"acme-tls/1"
};

enum {
	PROTOCOLS = sizeof(protocols) / sizeof(protocols[0]),
	RECORD_HEADER = 5
};

/*
 * The engine will not begin without a seeded generator, and would seed it
 * from the system.  Nothing random is ever taken from it, so it is given a
 * seed that is none.  Injecting one does not keep the engine from asking the
 * system as well (it would open /dev/urandom where the processor has no
 * RDRAND); only its own note that this is done does.  SHA-256 goes as soon as
 * the generator has it: the engine would hash the whole hello with it.
 */
static void
seed(br_ssl_engine_context *eng)
{
	static const uint8_t zero[32];

	br_ssl_engine_set_hash(eng, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_inject_entropy(eng, zero, sizeof(zero));
	br_ssl_engine_set_hash(eng, br_sha256_ID, NULL);
	eng->rng_os_rand_done = 1;
}

static int
start(br_ssl_engine_context *eng)
{
	br_ssl_server_zero(&engine.server);
	br_ssl_engine_set_versions(eng, VERSION_NONE, VERSION_NONE);
	br_ssl_engine_set_protocol_names(eng, protocols, PROTOCOLS);
	seed(eng);
	br_ssl_engine_set_buffer(eng, engine.buffer, BUFFER_SIZE, 1);
	return br_ssl_server_reset(&engine.server) == 1 ? 0 : -1;
}

/* Gives -1 when the engine takes no more. */
static int
push(br_ssl_engine_context *eng, const uint8_t *bytes, size_t n)
{
	uint8_t *room;
	size_t	 part;

	while (n > 0) {
		room = br_ssl_engine_recvrec_buf(eng, &part);
		if (room == NULL)
			return -1;
		if (part > n)
			part = n;
		memcpy(room, bytes, part);
		br_ssl_engine_recvrec_ack(eng, part);
		bytes += part;
		n -= part;
	}
	return 0;
}

/*
 * The engine wants one version in all records, the version field of a record
 * says nothing (RFC 8446 section 5.1): every record gets the same.
 */
static int
push_records(br_ssl_engine_context *eng, const uint8_t *bytes, size_t n)
{
	uint8_t	header[RECORD_HEADER];
	size_t	length;

	while (n > 0) {
		if (n < sizeof(header))
			return -1;
		memcpy(header, bytes, sizeof(header));
		header[2] = 1;
		length = (size_t)header[3] << 8 | header[4];
		bytes += sizeof(header);
		n -= sizeof(header);
		if (length > n)
			length = n;	/* the hello ends inside it */
		if (push(eng, header, sizeof(header)) == -1 ||
		    push(eng, bytes, length) == -1)
			return -1;
		bytes += length;
		n -= length;
	}
	return 0;
}

/* Gives 0 when the engine found a whole, legal hello in just these bytes. */
static int
feed(br_ssl_engine_context *eng, const uint8_t *bytes, size_t n)
{
	size_t part;

	if (push_records(eng, bytes, n) == -1)
		return -1;
	/* it fails only after its alert has been taken off its hands */
	while (br_ssl_engine_sendrec_buf(eng, &part) != NULL)
		br_ssl_engine_sendrec_ack(eng, part);
	if (br_ssl_engine_last_error(eng) != HELLO_PARSED)
		return -1;
	/* versions from 4.0 on it would take for the future */
	return engine.server.client_max_version >> 8 == VERSION_MAJOR ? 0 : -1;
}

static enum hello_kind
answer(br_ssl_engine_context *eng, struct hello *hello)
{
	const char *name, *protocol;
	size_t	    n;

	protocol = br_ssl_engine_get_selected_protocol(eng);
	hello->acme = protocol != NULL &&
	    strcmp(protocol, protocols[PROTOCOLS - 1]) == 0;
	name = br_ssl_engine_get_server_name(eng);
	n = strlen(name);
	if (n == 0)
		return HELLO_NAMELESS;
	if (hostname_parse(&hello->name, (const uint8_t *)name, n) == 0)
		return HELLO_NAMED;
	hello->fault = hostname_fault((const uint8_t *)name, n);
	return HELLO_BAD_NAME;
}

enum hello_kind
hello_bearssl(const uint8_t *bytes, size_t n, struct hello *hello)
{
	br_ssl_engine_context *eng = &engine.server.eng;
	enum hello_kind	       kind = HELLO_MALFORMED;

	memset(hello, 0, sizeof(*hello));
	if (start(eng) == 0 && feed(eng, bytes, n) == 0)
		kind = answer(eng, hello);
	/* no hello leaves anything behind for the next client's */
	memset(&engine, 0, sizeof(engine));
	return kind;
}

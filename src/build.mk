# What is built from what.  Read by GNU make and BSD make alike, so it keeps
# to what both know.  Yours to set: CC, CFLAGS, CPPFLAGS, LDFLAGS, PREFIX,
# DESTDIR.  OS is set by the makefile that includes this one.

VERSION = 0.4.0
PREFIX = /usr/local
SBINDIR = $(PREFIX)/sbin
BINDIR = $(PREFIX)/bin
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
EXAMPLEDIR = $(PREFIX)/share/examples/usherd
LIBEXECDIR = $(PREFIX)/libexec/usherd
MANDIR = $(PREFIX)/share/man
B = build
PYTHON = /usr/bin/python3

# Hardening is not an option, but a sanitizer build needs other names for it.
FORTIFY = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
HARDEN = -fstack-protector-strong -fstack-clash-protection -fPIE
WARN = -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings
OUR_CPPFLAGS = -D_GNU_SOURCE $(FORTIFY)
OUR_CFLAGS = -std=c11 -O2 -g $(WARN) $(HARDEN)
OUR_LDFLAGS = -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack

COMPILE = $(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -c -o $@
UNIT = $(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) $(LDFLAGS) \
	-pie -o $@
LINK = $(CC) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@

# All but the launcher are static: nothing is opened or mapped when one starts.
# LOADER=dynamic PIE=-pie for sanitizers, never for use:
# sandbox/loader_dynamic.c.
LOADER = static
PIE = -static-pie

# One file per operating system and question; a system that is not here has
# no sandbox and does not link.
SANDBOX_Linux = $(B)/seccomp.o $(B)/harden_linux.o $(B)/kernel_linux.o \
	$(B)/landlock_linux.o $(B)/seal_linux.o $(B)/loader_$(LOADER).o \
	$(LEAKS_$(LOADER))
LEAKS_static =
LEAKS_dynamic = $(B)/leaks_dynamic.o
SANDBOX_LAUNCHER_Linux = $(LEAKS_$(LOADER)) \
	$(B)/harden_linux.o $(B)/kernel_linux.o \
	$(B)/name_linux.o $(B)/try_linux.o $(B)/userns_linux.o \
	$(B)/userns_allowed_linux.o
SANDBOX_FRONT_Linux = $(SANDBOX_Linux) $(B)/seccomp_front.o
SANDBOX_PARSER_Linux = $(SANDBOX_Linux) $(B)/userns_linux.o \
	$(B)/seccomp_parser.o
SANDBOX_TLS_Linux = $(B)/seccomp_tls.o
SANDBOX_HTTP_Linux = $(B)/seccomp_http.o
SANDBOX_RELAY_Linux = $(SANDBOX_Linux) $(B)/userns_linux.o \
	$(B)/seccomp_relay.o
SANDBOX_LOG_Linux = $(SANDBOX_Linux) $(B)/userns_linux.o $(B)/seccomp_log.o
SYSTEM_LAUNCHER_Linux = $(B)/program_linux.o $(B)/inherited_linux.o \
	$(B)/pipes_linux.o $(B)/page_linux.o
SYSTEM_ACCEPT_Linux = $(B)/accept_linux.o
SYSTEM_RANDOM_Linux = $(B)/random_linux.o
SYSTEM_FRONT_Linux = $(B)/hosts_linux.o $(B)/outq_linux.o \
	$(B)/cputime_linux.o $(SYSTEM_RANDOM_$(OS)) $(SYSTEM_ACCEPT_$(OS))
SYSTEM_RELAY_Linux = $(B)/mover_linux.o
SYSTEM_USHER_Linux = $(B)/usher_secure_linux.o
SANDBOX_LIBS_Linux = -lseccomp
LIBEVENT = -levent_core
BEARSSL = -lbearssl
UNIT_LIBS = -lcheck -lsubunit -lm -lrt -lpthread $(LIBS)

CHILD = $(B)/timeouts.o $(B)/confine.o $(B)/ids.o $(B)/idmap.o \
	$(B)/loop.o $(B)/message_take.o $(B)/no_resolver.o
USHERD = $(B)/main.o $(B)/options.o $(B)/listen_open.o $(B)/descriptors.o \
	$(B)/empty.o $(B)/user.o $(B)/say.o $(B)/spawn.o $(B)/start.o \
	$(B)/unit.o $(B)/shard.o $(B)/logger.o $(B)/upgrade.o \
	$(B)/address.o $(B)/tcp_options.o $(B)/message_send.o \
	$(SYSTEM_LAUNCHER_$(OS)) $(SANDBOX_LAUNCHER_$(OS))
FRONT = $(B)/front_main.o $(B)/front_options.o $(B)/front_request.o \
	$(B)/orders.o $(B)/accept.o \
	$(B)/connection.o $(B)/rules.o $(B)/states.o $(B)/machine.o $(B)/events.o \
	$(B)/backend.o $(B)/hosts.o $(B)/lookup.o $(B)/place.o \
	$(B)/recall.o $(B)/find.o $(B)/query.o $(B)/proxy.o $(B)/crc32c.o \
	$(B)/children.o $(B)/channel.o $(B)/recycle.o $(B)/slots.o \
	$(B)/handoff.o $(B)/inflight.o $(B)/tcp_options.o \
	$(B)/log.o $(B)/refused.o $(B)/counts.o \
	$(B)/timeouts.o $(B)/hostname.o $(B)/refusal.o $(B)/message_send.o \
	$(B)/message_take.o $(B)/ids.o $(B)/loop.o $(B)/no_resolver.o \
	$(SYSTEM_FRONT_$(OS)) $(SANDBOX_FRONT_$(OS))
PARSER = $(B)/parser.o $(B)/peek.o $(B)/parser_say.o \
	$(B)/hostname.o $(B)/refusal.o $(CHILD) $(SANDBOX_PARSER_$(OS))
TLS = $(B)/tls_client.o $(B)/tls.o $(B)/lowat.o $(B)/flight.o \
	$(B)/hello.o $(B)/hello_bearssl.o $(SANDBOX_TLS_$(OS))
REQUEST = $(B)/request.o $(B)/field.o $(B)/authority.o
RESPONSE = $(B)/response.o $(B)/framing.o $(B)/lenient.o $(B)/coded.o \
	$(B)/field.o
HTTP = $(B)/http.o $(B)/carry.o $(B)/upward.o $(B)/downward.o \
	$(B)/exchange.o $(B)/grants.o $(B)/outbox.o $(B)/progress.o \
	$(B)/chunks.o \
	$(B)/response.o $(B)/framing.o $(B)/lenient.o $(B)/coded.o \
	$(REQUEST) $(SANDBOX_HTTP_$(OS))
RELAY = $(B)/relay.o $(B)/order.o $(B)/granted.o $(B)/word.o $(B)/run.o \
	$(B)/pair_machine.o $(B)/pair_states.o $(B)/pair.o $(B)/flow.o \
	$(B)/side.o $(B)/turns.o $(B)/report.o $(B)/told.o \
	$(B)/outbox.o $(B)/answer.o $(B)/refusal.o $(CHILD) \
	$(SYSTEM_RELAY_$(OS)) $(SANDBOX_RELAY_$(OS))
LOG_LINE = $(B)/log_check.o $(B)/log_render.o $(B)/log_steps.o $(B)/states.o \
	$(B)/address.o $(B)/hostname.o $(B)/refusal.o
LOG = $(B)/log_main.o $(B)/log_shards.o $(B)/log_lines.o $(B)/log_figures.o \
	$(B)/budget.o $(LOG_LINE) $(B)/confine.o $(B)/ids.o \
	$(B)/message_take.o \
	$(SANDBOX_LOG_$(OS))

# What tenants use: the tool, and the receiver of handed-over connections as
# a library for programs that know nothing of it.
USHER = $(B)/usher_main.o $(B)/usher_run.o $(B)/usher_arguments.o \
	$(B)/usher_say.o $(B)/usher_program.o $(B)/usher_script.o \
	$(B)/usher_elf.o $(SYSTEM_USHER_$(OS))
ACCEPT = $(B)/accept_preload.o $(B)/accept_settings.o \
	$(B)/accept_listener.o $(B)/accept_options.o $(B)/accept_receive.o \
	$(B)/accept_accept.o $(B)/accept_bound.o $(B)/accept_complain.o \
	$(B)/accept_crowd.o $(B)/accept_entry.o $(B)/accept_family.o \
	$(B)/accept_guard.o $(B)/accept_name.o $(B)/accept_number.o \
	$(B)/accept_place.o $(B)/accept_preload_path.o $(B)/accept_probe.o \
	$(B)/accept_real.o $(B)/accept_rival.o $(B)/accept_sockpath.o \
	$(B)/accept_sweep.o
SHARED = -fPIC -fvisibility=hidden
PRELOAD = -shared -Wl,-soname,libusher-accept.so -Wl,--wrap=accept4 \
	-Wl,--wrap=getpeername -Wl,--wrap=getsockname -Wl,--wrap=getsockopt

PROGRAMS = $(B)/usherd $(B)/usherd-front $(B)/usherd-tls $(B)/usherd-http \
	$(B)/usherd-relay $(B)/usherd-log \
	$(B)/usher $(B)/libusher-accept.so $(B)/usher-example

# Each unit suite links what it tests and nothing else.
UNITS = $(B)/tests/test_hostname $(B)/tests/test_flight \
	$(B)/tests/test_hello $(B)/tests/test_request $(B)/tests/test_chunks \
	$(B)/tests/test_response \
	$(B)/tests/test_message $(B)/tests/test_rules $(B)/tests/test_proxy \
	$(B)/tests/test_answer $(B)/tests/test_accept $(B)/tests/test_trust \
	$(B)/tests/test_budget $(B)/tests/test_log_render $(B)/tests/test_fronts \
	$(B)/tests/test_log_send $(B)/tests/test_request_asked \
	$(B)/tests/test_turns $(B)/tests/test_granted
TOOLS = $(B)/tests/load $(B)/tests/serve $(B)/tests/calm $(B)/tests/novdso \
	$(B)/tests/states $(B)/tests/pair_states $(B)/tests/response \
	$(B)/tests/exchanges \
	$(B)/tests/peeksplice
TRY = $(B)/tests/try/usherd $(B)/tests/try/usherd-front \
	$(B)/tests/try/usherd-log $(B)/tests/try/usherd-tls \
	$(B)/tests/try/usherd-http $(B)/tests/try/usherd-relay \
	$(B)/tests/try/front-alone $(B)/tests/try/landlock-alone
FAULT = $(B)/tests/fault/usherd $(B)/tests/fault/usherd-front \
	$(B)/tests/fault/usherd-log $(B)/tests/fault/usherd-tls \
	$(B)/tests/fault/usherd-http $(B)/tests/fault/usherd-relay

PAGES = $(B)/usher.1 $(B)/usher-hosts.5 $(B)/usher-handoff.7 $(B)/usherd.8

# What has the version or a place of the installation inside, and no other
# object is told of them.  With another VERSION or PREFIX than last time all of
# it is removed, so that it is made anew: a newer date would not do, because
# BSD make may count in whole seconds.
TOLD = -DUSHER_VERSION='"$(VERSION)"' -DLIBEXECDIR='"$(LIBEXECDIR)"' \
	-DLIBDIR='"$(LIBDIR)"'
TELLING = $(B)/options.o $(B)/program_linux.o $(B)/usher_main.o \
	$(B)/usher_run.o $(B)/usherd $(B)/usher $(B)/tests/try/usherd \
	$(B)/tests/fault/usherd $(PAGES)
TELL = $(VERSION) $(SBINDIR) $(BINDIR) $(LIBDIR) $(LIBEXECDIR)

HEADERS != echo src/*/*.h sandbox/*.h
MADE != mkdir -p $(B)/tests/try $(B)/tests/fault && { \
	[ "$$(cat $(B)/told 2>/dev/null)" = '$(TELL)' ] || \
	{ rm -f $(TELLING) && echo '$(TELL)' >$(B)/told; }; }

all: $(PROGRAMS) $(PAGES)

# What the tests need beside the programs; check(3) among it.
test-programs: all $(UNITS) $(TOOLS) $(TRY) $(FAULT)

$(B)/usherd: $(USHERD)
	$(LINK) -pie $(USHERD) $(SANDBOX_LIBS_$(OS)) $(LIBS)

$(B)/usherd-front: $(FRONT)
	$(LINK) $(PIE) $(FRONT) $(LIBEVENT) $(SANDBOX_LIBS_$(OS)) -lpthread \
	    $(LIBS)

$(B)/usherd-tls: $(PARSER) $(TLS)
	$(LINK) $(PIE) $(PARSER) $(TLS) $(LIBEVENT) $(BEARSSL) \
	    $(SANDBOX_LIBS_$(OS)) $(LIBS)

$(B)/usherd-http: $(PARSER) $(HTTP)
	$(LINK) $(PIE) $(PARSER) $(HTTP) $(LIBEVENT) $(SANDBOX_LIBS_$(OS)) \
	    $(LIBS)

$(B)/usherd-relay: $(RELAY)
	$(LINK) $(PIE) $(RELAY) $(LIBEVENT) $(SANDBOX_LIBS_$(OS)) $(LIBS)

$(B)/usherd-log: $(LOG)
	$(LINK) $(PIE) $(LOG) $(SANDBOX_LIBS_$(OS)) $(LIBS)

$(B)/usher: $(USHER)
	$(LINK) -pie $(USHER) $(LIBS)

$(B)/libusher-accept.so: $(ACCEPT)
	$(LINK) $(PRELOAD) $(ACCEPT) -ldl -lpthread

# The receiver and a server that uses it, as anyone would build them.
$(B)/usher-example: src/accept/example.c src/accept/usher_accept.c $(HEADERS)
	$(UNIT) src/accept/example.c src/accept/usher_accept.c

$(B)/timeouts.o: src/common/timeouts.c $(HEADERS)
	$(COMPILE) src/common/timeouts.c
$(B)/confine.o: src/child/confine.c $(HEADERS)
	$(COMPILE) src/child/confine.c
$(B)/idmap.o: src/child/idmap.c $(HEADERS)
	$(COMPILE) src/child/idmap.c
$(B)/loop.o: src/child/loop.c $(HEADERS)
	$(COMPILE) src/child/loop.c
$(B)/hostname.o: src/common/hostname.c $(HEADERS)
	$(COMPILE) src/common/hostname.c
$(B)/message_send.o: src/common/message_send.c $(HEADERS)
	$(COMPILE) src/common/message_send.c
$(B)/outbox.o: src/child/outbox.c $(HEADERS)
	$(COMPILE) src/child/outbox.c
$(B)/message_take.o: src/child/message_take.c $(HEADERS)
	$(COMPILE) src/child/message_take.c
$(B)/no_resolver.o: src/child/no_resolver.c $(HEADERS)
	$(COMPILE) src/child/no_resolver.c
$(B)/refusal.o: src/common/refusal.c $(HEADERS)
	$(COMPILE) src/common/refusal.c
$(B)/authority.o: src/parser/authority.c $(HEADERS)
	$(COMPILE) src/parser/authority.c
$(B)/chunks.o: src/parser/chunks.c $(HEADERS)
	$(COMPILE) src/parser/chunks.c
$(B)/coded.o: src/parser/coded.c $(HEADERS)
	$(COMPILE) src/parser/coded.c
$(B)/framing.o: src/parser/framing.c $(HEADERS)
	$(COMPILE) src/parser/framing.c
$(B)/lenient.o: src/parser/lenient.c $(HEADERS)
	$(COMPILE) src/parser/lenient.c
$(B)/response.o: src/parser/response.c $(HEADERS)
	$(COMPILE) src/parser/response.c
$(B)/field.o: src/parser/field.c $(HEADERS)
	$(COMPILE) src/parser/field.c
$(B)/flight.o: src/parser/flight.c $(HEADERS)
	$(COMPILE) src/parser/flight.c
$(B)/hello.o: src/parser/hello.c $(HEADERS)
	$(COMPILE) src/parser/hello.c
$(B)/hello_bearssl.o: src/parser/hello_bearssl.c $(HEADERS)
	$(COMPILE) src/parser/hello_bearssl.c
$(B)/http.o: src/parser/http.c $(HEADERS)
	$(COMPILE) src/parser/http.c
$(B)/carry.o: src/parser/carry.c $(HEADERS)
	$(COMPILE) src/parser/carry.c
$(B)/downward.o: src/parser/downward.c $(HEADERS)
	$(COMPILE) src/parser/downward.c
$(B)/exchange.o: src/parser/exchange.c $(HEADERS)
	$(COMPILE) src/parser/exchange.c
$(B)/grants.o: src/parser/grants.c $(HEADERS)
	$(COMPILE) src/parser/grants.c
$(B)/peek.o: src/parser/peek.c $(HEADERS)
	$(COMPILE) src/parser/peek.c
$(B)/progress.o: src/parser/progress.c $(HEADERS)
	$(COMPILE) src/parser/progress.c
$(B)/tls_client.o: src/parser/tls_client.c $(HEADERS)
	$(COMPILE) src/parser/tls_client.c
$(B)/upward.o: src/parser/upward.c $(HEADERS)
	$(COMPILE) src/parser/upward.c
$(B)/lowat.o: src/parser/lowat.c $(HEADERS)
	$(COMPILE) src/parser/lowat.c
$(B)/parser.o: src/parser/parser.c $(HEADERS)
	$(COMPILE) src/parser/parser.c
$(B)/request.o: src/parser/request.c $(HEADERS)
	$(COMPILE) src/parser/request.c
$(B)/parser_say.o: src/parser/say.c $(HEADERS)
	$(COMPILE) src/parser/say.c
$(B)/tls.o: src/parser/tls.c $(HEADERS)
	$(COMPILE) src/parser/tls.c
$(B)/answer.o: src/relay/answer.c $(HEADERS)
	$(COMPILE) src/relay/answer.c
$(B)/mover_linux.o: src/relay/mover_linux.c $(HEADERS)
	$(COMPILE) src/relay/mover_linux.c
$(B)/order.o: src/relay/order.c $(HEADERS)
	$(COMPILE) src/relay/order.c
$(B)/pair.o: src/relay/pair.c $(HEADERS)
	$(COMPILE) src/relay/pair.c
$(B)/flow.o: src/relay/flow.c $(HEADERS)
	$(COMPILE) src/relay/flow.c
$(B)/granted.o: src/relay/granted.c $(HEADERS)
	$(COMPILE) src/relay/granted.c
$(B)/pair_machine.o: src/relay/pair_machine.c $(HEADERS)
	$(COMPILE) src/relay/pair_machine.c
$(B)/pair_states.o: src/relay/pair_states.c $(HEADERS)
	$(COMPILE) src/relay/pair_states.c
$(B)/side.o: src/relay/side.c $(HEADERS)
	$(COMPILE) src/relay/side.c
$(B)/told.o: src/relay/told.c $(HEADERS)
	$(COMPILE) src/relay/told.c
$(B)/turns.o: src/relay/turns.c $(HEADERS)
	$(COMPILE) src/relay/turns.c
$(B)/report.o: src/relay/report.c $(HEADERS)
	$(COMPILE) src/relay/report.c
$(B)/run.o: src/relay/run.c $(HEADERS)
	$(COMPILE) src/relay/run.c
$(B)/word.o: src/relay/word.c $(HEADERS)
	$(COMPILE) src/relay/word.c
$(B)/relay.o: src/relay/relay.c $(HEADERS)
	$(COMPILE) src/relay/relay.c
$(B)/accept.o: src/front/accept.c $(HEADERS)
	$(COMPILE) src/front/accept.c
$(B)/accept_linux.o: src/front/accept_linux.c $(HEADERS)
	$(COMPILE) src/front/accept_linux.c
$(B)/backend.o: src/front/backend.c $(HEADERS)
	$(COMPILE) src/front/backend.c
$(B)/children.o: src/front/children.c $(HEADERS)
	$(COMPILE) src/front/children.c
$(B)/crc32c.o: src/front/crc32c.c $(HEADERS)
	$(COMPILE) src/front/crc32c.c
$(B)/cputime_linux.o: src/front/cputime_linux.c $(HEADERS)
	$(COMPILE) src/front/cputime_linux.c
$(B)/handoff.o: src/front/handoff.c $(HEADERS)
	$(COMPILE) src/front/handoff.c
$(B)/hosts_linux.o: src/front/hosts_linux.c $(HEADERS)
	$(COMPILE) src/front/hosts_linux.c
$(B)/listen_open.o: src/usherd/listen_open.c $(HEADERS)
	$(COMPILE) src/usherd/listen_open.c
$(B)/log.o: src/front/log.c $(HEADERS)
	$(COMPILE) src/front/log.c
$(B)/main.o: src/usherd/main.c $(HEADERS)
	$(COMPILE) src/usherd/main.c
$(B)/options.o: src/usherd/options.c $(HEADERS)
	$(COMPILE) $(TOLD) src/usherd/options.c
$(B)/outq_linux.o: src/front/outq_linux.c $(HEADERS)
	$(COMPILE) src/front/outq_linux.c
$(B)/random_linux.o: src/front/random_linux.c $(HEADERS)
	$(COMPILE) src/front/random_linux.c
$(B)/pipes_linux.o: src/usherd/pipes_linux.c $(HEADERS)
	$(COMPILE) src/usherd/pipes_linux.c
$(B)/descriptors.o: src/usherd/descriptors.c $(HEADERS)
	$(COMPILE) src/usherd/descriptors.c
$(B)/empty.o: src/usherd/empty.c $(HEADERS)
	$(COMPILE) src/usherd/empty.c
$(B)/user.o: src/usherd/user.c $(HEADERS)
	$(COMPILE) src/usherd/user.c
$(B)/say.o: src/usherd/say.c $(HEADERS)
	$(COMPILE) src/usherd/say.c
$(B)/spawn.o: src/usherd/spawn.c $(HEADERS)
	$(COMPILE) src/usherd/spawn.c
$(B)/start.o: src/usherd/start.c $(HEADERS)
	$(COMPILE) src/usherd/start.c
$(B)/unit.o: src/usherd/unit.c $(HEADERS)
	$(COMPILE) src/usherd/unit.c
$(B)/shard.o: src/usherd/shard.c $(HEADERS)
	$(COMPILE) src/usherd/shard.c
$(B)/logger.o: src/usherd/logger.c $(HEADERS)
	$(COMPILE) src/usherd/logger.c
$(B)/upgrade.o: src/usherd/upgrade.c $(HEADERS)
	$(COMPILE) src/usherd/upgrade.c
$(B)/page_linux.o: src/usherd/page_linux.c $(HEADERS)
	$(COMPILE) src/usherd/page_linux.c
$(B)/ids.o: src/child/ids.c $(HEADERS)
	$(COMPILE) src/child/ids.c
$(B)/front_main.o: src/front/main.c $(HEADERS)
	$(COMPILE) src/front/main.c
$(B)/front_options.o: src/front/options.c $(HEADERS)
	$(COMPILE) src/front/options.c
$(B)/front_request.o: src/front/request.c $(HEADERS)
	$(COMPILE) src/front/request.c
$(B)/orders.o: src/front/orders.c $(HEADERS)
	$(COMPILE) src/front/orders.c
$(B)/states.o: src/common/states.c $(HEADERS)
	$(COMPILE) src/common/states.c
$(B)/events.o: src/front/events.c $(HEADERS)
	$(COMPILE) src/front/events.c
$(B)/seccomp_front.o: sandbox/seccomp_front.c $(HEADERS)
	$(COMPILE) sandbox/seccomp_front.c
$(B)/harden_linux.o: sandbox/harden_linux.c $(HEADERS)
	$(COMPILE) sandbox/harden_linux.c
$(B)/program_linux.o: src/usherd/program_linux.c $(HEADERS)
	$(COMPILE) $(TOLD) src/usherd/program_linux.c
$(B)/proxy.o: src/front/proxy.c $(HEADERS)
	$(COMPILE) src/front/proxy.c
$(B)/slots.o: src/front/slots.c $(HEADERS)
	$(COMPILE) src/front/slots.c
$(B)/channel.o: src/front/channel.c $(HEADERS)
	$(COMPILE) src/front/channel.c
$(B)/tcp_options.o: src/common/tcp_options.c $(HEADERS)
	$(COMPILE) src/common/tcp_options.c
$(B)/inflight.o: src/front/inflight.c $(HEADERS)
	$(COMPILE) src/front/inflight.c
$(B)/recall.o: src/front/recall.c $(HEADERS)
	$(COMPILE) src/front/recall.c
$(B)/find.o: src/front/find.c $(HEADERS)
	$(COMPILE) src/front/find.c
$(B)/query.o: src/front/query.c $(HEADERS)
	$(COMPILE) src/front/query.c
$(B)/address.o: src/common/address.c $(HEADERS)
	$(COMPILE) src/common/address.c
$(B)/budget.o: src/log/budget.c $(HEADERS)
	$(COMPILE) src/log/budget.c
$(B)/log_check.o: src/log/check.c $(HEADERS)
	$(COMPILE) src/log/check.c
$(B)/log_figures.o: src/log/figures.c $(HEADERS)
	$(COMPILE) src/log/figures.c
$(B)/log_lines.o: src/log/lines.c $(HEADERS)
	$(COMPILE) src/log/lines.c
$(B)/log_main.o: src/log/main.c $(HEADERS)
	$(COMPILE) src/log/main.c
$(B)/log_render.o: src/log/render.c $(HEADERS)
	$(COMPILE) src/log/render.c
$(B)/log_shards.o: src/log/shards.c $(HEADERS)
	$(COMPILE) src/log/shards.c
$(B)/log_steps.o: src/log/steps.c $(HEADERS)
	$(COMPILE) src/log/steps.c
$(B)/counts.o: src/front/counts.c $(HEADERS)
	$(COMPILE) src/front/counts.c
$(B)/hosts.o: src/front/hosts.c $(HEADERS)
	$(COMPILE) src/front/hosts.c
$(B)/inherited_linux.o: src/usherd/inherited_linux.c $(HEADERS)
	$(COMPILE) src/usherd/inherited_linux.c
$(B)/lookup.o: src/front/lookup.c $(HEADERS)
	$(COMPILE) src/front/lookup.c
$(B)/place.o: src/front/place.c $(HEADERS)
	$(COMPILE) src/front/place.c
$(B)/refused.o: src/front/refused.c $(HEADERS)
	$(COMPILE) src/front/refused.c
$(B)/recycle.o: src/front/recycle.c $(HEADERS)
	$(COMPILE) src/front/recycle.c
$(B)/rules.o: src/front/rules.c $(HEADERS)
	$(COMPILE) src/front/rules.c
$(B)/machine.o: src/front/machine.c $(HEADERS)
	$(COMPILE) src/front/machine.c
$(B)/connection.o: src/front/connection.c $(HEADERS)
	$(COMPILE) src/front/connection.c
$(B)/seccomp.o: sandbox/seccomp.c $(HEADERS)
	$(COMPILE) sandbox/seccomp.c
$(B)/seccomp_http.o: sandbox/seccomp_http.c $(HEADERS)
	$(COMPILE) sandbox/seccomp_http.c
$(B)/seccomp_parser.o: sandbox/seccomp_parser.c $(HEADERS)
	$(COMPILE) sandbox/seccomp_parser.c
$(B)/seccomp_tls.o: sandbox/seccomp_tls.c $(HEADERS)
	$(COMPILE) sandbox/seccomp_tls.c
$(B)/seccomp_log.o: sandbox/seccomp_log.c $(HEADERS)
	$(COMPILE) sandbox/seccomp_log.c
$(B)/seccomp_relay.o: sandbox/seccomp_relay.c $(HEADERS)
	$(COMPILE) sandbox/seccomp_relay.c
$(B)/kernel_linux.o: sandbox/kernel_linux.c $(HEADERS)
	$(COMPILE) sandbox/kernel_linux.c
$(B)/landlock_linux.o: sandbox/landlock_linux.c $(HEADERS)
	$(COMPILE) sandbox/landlock_linux.c
$(B)/seal_linux.o: sandbox/seal_linux.c $(HEADERS)
	$(COMPILE) sandbox/seal_linux.c
$(B)/name_linux.o: sandbox/name_linux.c $(HEADERS)
	$(COMPILE) -DLOADER='"$(LOADER)"' sandbox/name_linux.c
$(B)/try_linux.o: sandbox/try_linux.c $(HEADERS)
	$(COMPILE) sandbox/try_linux.c
$(B)/userns_linux.o: sandbox/userns_linux.c $(HEADERS)
	$(COMPILE) sandbox/userns_linux.c
$(B)/userns_allowed_linux.o: sandbox/userns_allowed_linux.c $(HEADERS)
	$(COMPILE) sandbox/userns_allowed_linux.c
$(B)/loader_static.o: sandbox/loader_static.c $(HEADERS)
	$(COMPILE) sandbox/loader_static.c
$(B)/leaks_dynamic.o: sandbox/leaks_dynamic.c $(HEADERS)
	$(COMPILE) sandbox/leaks_dynamic.c
$(B)/loader_dynamic.o: sandbox/loader_dynamic.c $(HEADERS)
	$(COMPILE) sandbox/loader_dynamic.c
$(B)/usher_main.o: src/usher/main.c $(HEADERS)
	$(COMPILE) $(TOLD) src/usher/main.c
$(B)/usher_run.o: src/usher/run.c $(HEADERS)
	$(COMPILE) $(TOLD) src/usher/run.c
$(B)/usher_program.o: src/usher/program.c $(HEADERS)
	$(COMPILE) src/usher/program.c
$(B)/usher_arguments.o: src/usher/arguments.c $(HEADERS)
	$(COMPILE) src/usher/arguments.c
$(B)/usher_say.o: src/usher/say.c $(HEADERS)
	$(COMPILE) src/usher/say.c
$(B)/usher_script.o: src/usher/script.c $(HEADERS)
	$(COMPILE) src/usher/script.c
$(B)/usher_elf.o: src/usher/elf.c $(HEADERS)
	$(COMPILE) src/usher/elf.c
$(B)/usher_secure_linux.o: src/usher/secure_linux.c $(HEADERS)
	$(COMPILE) src/usher/secure_linux.c
$(B)/accept_preload.o: src/accept/preload.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/preload.c
$(B)/accept_preload_path.o: src/accept/preload_path.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/preload_path.c
$(B)/accept_settings.o: src/accept/settings.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/settings.c
$(B)/accept_listener.o: src/accept/listener.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/listener.c
$(B)/accept_options.o: src/accept/options.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/options.c
$(B)/accept_receive.o: src/accept/usher_accept.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/usher_accept.c
$(B)/accept_accept.o: src/accept/accept.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/accept.c
$(B)/accept_bound.o: src/accept/bound.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/bound.c
$(B)/accept_complain.o: src/accept/complain.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/complain.c
$(B)/accept_crowd.o: src/accept/crowd.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/crowd.c
$(B)/accept_entry.o: src/accept/entry.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/entry.c
$(B)/accept_family.o: src/accept/family.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/family.c
$(B)/accept_guard.o: src/accept/guard.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/guard.c
$(B)/accept_name.o: src/accept/name.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/name.c
$(B)/accept_number.o: src/accept/number.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/number.c
$(B)/accept_place.o: src/accept/place.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/place.c
$(B)/accept_probe.o: src/accept/probe.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/probe.c
$(B)/accept_real.o: src/accept/real.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/real.c
$(B)/accept_rival.o: src/accept/rival.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/rival.c
$(B)/accept_sockpath.o: src/accept/sockpath.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/sockpath.c
$(B)/accept_sweep.o: src/accept/sweep.c $(HEADERS)
	$(COMPILE) $(SHARED) src/accept/sweep.c

# The manuals, with the places where things are.

PAGE = sed -e 's,/usr/local/sbin,$(SBINDIR),g' \
	-e 's,/usr/local/bin,$(BINDIR),g' \
	-e 's,/usr/local/libexec/usherd,$(LIBEXECDIR),g' \
	-e 's,/usr/local/lib,$(LIBDIR),g'

$(B)/usher.1: man/usher.1
	$(PAGE) man/usher.1 >$@
$(B)/usher-hosts.5: man/usher-hosts.5
	$(PAGE) man/usher-hosts.5 >$@
$(B)/usher-handoff.7: man/usher-handoff.7
	$(PAGE) man/usher-handoff.7 >$@
$(B)/usherd.8: man/usherd.8
	$(PAGE) man/usherd.8 >$@

# Unit suites.

UNIT_SOURCES = tests/unit/recipe.h $(HEADERS)

$(B)/tests/test_hostname: tests/unit/test_hostname.c $(UNIT_SOURCES) \
	    $(B)/hostname.o
	$(UNIT) tests/unit/test_hostname.c $(B)/hostname.o $(UNIT_LIBS)

TURNS = $(B)/turns.o $(B)/peek.o $(B)/timeouts.o

$(B)/tests/test_granted: tests/unit/test_granted.c $(UNIT_SOURCES) \
	    $(B)/granted.o
	$(UNIT) tests/unit/test_granted.c $(B)/granted.o $(LIBEVENT) \
	    $(UNIT_LIBS)

$(B)/tests/test_turns: tests/unit/test_turns.c $(UNIT_SOURCES) $(TURNS)
	$(UNIT) tests/unit/test_turns.c $(TURNS) $(LIBEVENT) $(UNIT_LIBS)

$(B)/tests/test_budget: tests/unit/test_budget.c $(UNIT_SOURCES) \
	    $(B)/budget.o $(B)/address.o $(B)/timeouts.o
	$(UNIT) tests/unit/test_budget.c $(B)/budget.o $(B)/address.o \
	    $(B)/timeouts.o $(LIBEVENT) $(UNIT_LIBS)

$(B)/tests/test_log_render: tests/unit/test_log_render.c $(UNIT_SOURCES) \
	    $(LOG_LINE)
	$(UNIT) tests/unit/test_log_render.c $(LOG_LINE) $(UNIT_LIBS)

FRONTS = $(B)/accept.o $(SYSTEM_ACCEPT_$(OS)) $(SYSTEM_RANDOM_$(OS)) \
	$(B)/tcp_options.o

$(B)/tests/test_fronts: tests/unit/test_fronts.c $(UNIT_SOURCES) $(FRONTS)
	$(UNIT) tests/unit/test_fronts.c $(FRONTS) $(LIBEVENT) $(UNIT_LIBS)

LOG_SEND = $(B)/log.o $(B)/refused.o $(B)/counts.o $(B)/place.o $(LOG_LINE)

$(B)/tests/test_log_send: tests/unit/test_log_send.c $(UNIT_SOURCES) \
	    $(LOG_SEND)
	$(UNIT) tests/unit/test_log_send.c $(LOG_SEND) $(UNIT_LIBS)

$(B)/tests/test_flight: tests/unit/test_flight.c $(UNIT_SOURCES) \
	    $(B)/flight.o $(B)/lowat.o
	$(UNIT) tests/unit/test_flight.c $(B)/flight.o $(B)/lowat.o \
	    $(UNIT_LIBS)

HELLO = $(B)/flight.o $(B)/hello.o $(B)/hello_bearssl.o $(B)/hostname.o

$(B)/tests/test_hello: tests/unit/test_hello.c $(UNIT_SOURCES) $(HELLO)
	$(UNIT) tests/unit/test_hello.c $(HELLO) $(BEARSSL) $(UNIT_LIBS)

$(B)/tests/test_request: tests/unit/test_request.c $(UNIT_SOURCES) \
	    $(REQUEST) $(B)/hostname.o
	$(UNIT) tests/unit/test_request.c $(REQUEST) $(B)/hostname.o \
	    $(UNIT_LIBS)

$(B)/tests/test_request_asked: tests/unit/test_request_asked.c \
	    $(UNIT_SOURCES) $(REQUEST) $(B)/hostname.o
	$(UNIT) tests/unit/test_request_asked.c $(REQUEST) $(B)/hostname.o \
	    $(UNIT_LIBS)

CHUNKS = $(B)/chunks.o $(B)/field.o

$(B)/tests/test_chunks: tests/unit/test_chunks.c $(UNIT_SOURCES) $(CHUNKS)
	$(UNIT) tests/unit/test_chunks.c $(CHUNKS) $(UNIT_LIBS)

$(B)/tests/test_response: tests/unit/test_response.c \
	    tests/unit/responses.h $(UNIT_SOURCES) $(RESPONSE)
	$(UNIT) tests/unit/test_response.c $(RESPONSE) $(UNIT_LIBS)

$(B)/tests/test_message: tests/unit/test_message.c $(UNIT_SOURCES) \
	    $(B)/message_take.o $(B)/message_send.o
	$(UNIT) tests/unit/test_message.c $(B)/message_take.o \
	    $(B)/message_send.o $(UNIT_LIBS)

RULES = $(B)/rules.o $(B)/order.o $(B)/refusal.o $(B)/hostname.o

$(B)/tests/test_rules: tests/unit/test_rules.c $(UNIT_SOURCES) $(RULES)
	$(UNIT) tests/unit/test_rules.c $(RULES) $(UNIT_LIBS)

PROXY = $(B)/proxy.o $(B)/crc32c.o

$(B)/tests/test_proxy: tests/unit/test_proxy.c $(UNIT_SOURCES) $(PROXY)
	$(UNIT) tests/unit/test_proxy.c $(PROXY) $(UNIT_LIBS)

ANSWER = $(B)/answer.o $(B)/refusal.o

$(B)/tests/test_answer: tests/unit/test_answer.c $(UNIT_SOURCES) $(ANSWER)
	$(UNIT) tests/unit/test_answer.c $(ANSWER) $(UNIT_LIBS)

RECEIVER = src/accept/usher_accept.c

$(B)/tests/test_accept: tests/unit/test_accept.c tests/unit/handing.h \
	    $(RECEIVER) $(HEADERS)
	$(UNIT) tests/unit/test_accept.c $(RECEIVER) $(UNIT_LIBS)

$(B)/tests/test_trust: tests/unit/test_trust.c tests/unit/handing.h \
	    $(RECEIVER) $(HEADERS)
	$(UNIT) tests/unit/test_trust.c $(RECEIVER) $(UNIT_LIBS)

# The misbehaving test build, in a directory of its own because usherd finds
# the others beside itself: the shipped objects, with one function of each
# program wrapped by the linker.  tests/sandbox/attacks.h.

ATTACKS = $(B)/tests/try/attacks.o $(B)/tests/try/calls.o \
	$(B)/tests/try/numbers.o $(B)/tests/try/front_calls.o
TRY_HEADERS = tests/sandbox/attacks.h tests/sandbox/calls.h \
	tests/sandbox/misled.h tests/sandbox/lies.h $(HEADERS)
WRAP_FRONT = -Wl,--wrap=host_open -Wl,--wrap=message_send \
	-Wl,--wrap=timeouts_init
WRAP_TLS = -Wl,--wrap=tls_look
WRAP_HTTP = -Wl,--wrap=request_parse -Wl,--wrap=message_take \
	-Wl,--wrap=write -Wl,--wrap=read
WRAP_RELAY = -Wl,--wrap=message_take -Wl,--wrap=read \
	-Wl,--wrap=answers_list
TRY_TLS = $(B)/tests/try/try_tls.o $(B)/tests/try/try_parser.o $(ATTACKS)
TRY_HTTP = $(B)/tests/try/try_http.o $(B)/tests/try/try_grant.o \
	$(B)/tests/try/try_parser.o $(ATTACKS)
TRY_RELAY = $(B)/tests/try/try_relay.o $(B)/tests/try/try_report.o $(ATTACKS)

$(B)/tests/try/usherd: $(B)/usherd
	cp $(B)/usherd $@

$(B)/tests/try/usherd-front: $(FRONT) $(B)/tests/try/try_front.o $(ATTACKS) \
	    $(B)/message_take.o
	$(LINK) $(PIE) $(WRAP_FRONT) $(B)/tests/try/try_front.o $(ATTACKS) \
	    $(FRONT) $(LIBEVENT) $(SANDBOX_LIBS_$(OS)) -lpthread $(LIBS)

$(B)/tests/try/usherd-tls: $(PARSER) $(TLS) $(TRY_TLS)
	$(LINK) $(PIE) $(WRAP_TLS) $(TRY_TLS) $(PARSER) $(TLS) $(LIBEVENT) \
	    $(BEARSSL) $(SANDBOX_LIBS_$(OS)) $(LIBS)

$(B)/tests/try/usherd-http: $(PARSER) $(HTTP) $(TRY_HTTP)
	$(LINK) $(PIE) $(WRAP_HTTP) $(TRY_HTTP) $(PARSER) $(HTTP) \
	    $(LIBEVENT) $(SANDBOX_LIBS_$(OS)) $(LIBS)

$(B)/tests/try/usherd-relay: $(RELAY) $(TRY_RELAY)
	$(LINK) $(PIE) $(WRAP_RELAY) $(TRY_RELAY) $(RELAY) $(LIBEVENT) \
	    $(SANDBOX_LIBS_$(OS)) $(LIBS)

# The front's sandbox without a front.
FRONT_ALONE = $(B)/tests/try/front_alone.o $(ATTACKS) $(B)/message_take.o \
	$(B)/message_send.o $(B)/hosts_linux.o $(SANDBOX_FRONT_$(OS))

$(B)/tests/try/front-alone: $(FRONT_ALONE)
	$(LINK) -pie $(FRONT_ALONE) $(SANDBOX_LIBS_$(OS)) -lpthread $(LIBS)

LANDLOCK_ALONE = $(B)/tests/try/landlock_alone.o $(B)/hosts_linux.o \
	$(B)/harden_linux.o $(B)/kernel_linux.o $(B)/landlock_linux.o \
	$(LEAKS_$(LOADER))

$(B)/tests/try/landlock-alone: $(LANDLOCK_ALONE)
	$(LINK) -pie $(LANDLOCK_ALONE) $(LIBS)

$(B)/tests/try/landlock_alone.o: tests/sandbox/landlock_alone.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/landlock_alone.c
$(B)/tests/try/front_alone.o: tests/sandbox/front_alone.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/front_alone.c
$(B)/tests/try/attacks.o: tests/sandbox/attacks.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/attacks.c
$(B)/tests/try/calls.o: tests/sandbox/calls.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/calls.c
$(B)/tests/try/numbers.o: tests/sandbox/numbers.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/numbers.c
$(B)/tests/try/usherd-log: $(LOG) $(B)/tests/try/try_log.o \
	    $(B)/tests/try/calls.o $(B)/tests/try/numbers.o \
	    $(B)/message_send.o
	$(LINK) $(PIE) -Wl,--wrap=check_record $(B)/tests/try/try_log.o \
	    $(B)/tests/try/calls.o $(B)/tests/try/numbers.o \
	    $(B)/message_send.o $(LOG) $(SANDBOX_LIBS_$(OS)) $(LIBS)
$(B)/tests/try/try_log.o: tests/sandbox/try_log.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/try_log.c
$(B)/tests/try/front_calls.o: tests/sandbox/front_calls.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/front_calls.c
$(B)/tests/try/try_front.o: tests/sandbox/try_front.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/try_front.c
$(B)/tests/try/try_parser.o: tests/sandbox/try_parser.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/try_parser.c
$(B)/tests/try/try_tls.o: tests/sandbox/try_tls.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/try_tls.c
$(B)/tests/try/try_http.o: tests/sandbox/try_http.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/try_http.c
$(B)/tests/try/try_grant.o: tests/sandbox/try_grant.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/try_grant.c
$(B)/tests/try/try_relay.o: tests/sandbox/try_relay.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/try_relay.c
$(B)/tests/try/try_report.o: tests/sandbox/try_report.c $(TRY_HEADERS)
	$(COMPILE) tests/sandbox/try_report.c

# The same objects with a system call that fails once: tests/fault/.

EPOLL_CTL = $(B)/tests/fault/epoll_ctl.o

$(EPOLL_CTL): tests/fault/epoll_ctl.c
	$(COMPILE) tests/fault/epoll_ctl.c

$(B)/tests/fault/usherd: $(B)/usherd
	cp $(B)/usherd $@

$(B)/tests/fault/usherd-log: $(B)/usherd-log
	cp $(B)/usherd-log $@

$(B)/tests/fault/usherd-front: $(FRONT) $(EPOLL_CTL)
	$(LINK) $(PIE) $(EPOLL_CTL) $(FRONT) $(LIBEVENT) -lpthread \
	    $(SANDBOX_LIBS_$(OS)) $(LIBS)

$(B)/tests/fault/usherd-tls: $(PARSER) $(TLS) $(EPOLL_CTL)
	$(LINK) $(PIE) $(EPOLL_CTL) $(PARSER) $(TLS) $(LIBEVENT) $(BEARSSL) \
	    $(SANDBOX_LIBS_$(OS)) $(LIBS)

$(B)/tests/fault/usherd-http: $(PARSER) $(HTTP) $(EPOLL_CTL)
	$(LINK) $(PIE) $(EPOLL_CTL) $(PARSER) $(HTTP) $(LIBEVENT) \
	    $(SANDBOX_LIBS_$(OS)) $(LIBS)

$(B)/tests/fault/usherd-relay: $(RELAY) $(EPOLL_CTL)
	$(LINK) $(PIE) $(EPOLL_CTL) $(RELAY) $(LIBEVENT) \
	    $(SANDBOX_LIBS_$(OS)) $(LIBS)

$(B)/tests/novdso: tests/e2e/novdso.c
	$(LINK) $(OUR_CPPFLAGS) $(CPPFLAGS) -pie tests/e2e/novdso.c

$(B)/tests/states: tests/unit/states.c $(B)/states.o $(HEADERS)
	$(UNIT) tests/unit/states.c $(B)/states.o

$(B)/tests/pair_states: tests/unit/pair_states.c $(B)/pair_states.o $(HEADERS)
	$(UNIT) tests/unit/pair_states.c $(B)/pair_states.o

$(B)/tests/load: tests/bench/load.c
	$(LINK) $(OUR_CPPFLAGS) $(CPPFLAGS) -pie tests/bench/load.c

$(B)/tests/exchanges: tests/bench/exchanges.c
	$(LINK) $(OUR_CPPFLAGS) $(CPPFLAGS) -pie tests/bench/exchanges.c

$(B)/tests/serve: tests/bench/serve.c src/accept/usher_accept.c $(HEADERS)
	$(LINK) $(OUR_CPPFLAGS) $(CPPFLAGS) -pie tests/bench/serve.c \
	    src/accept/usher_accept.c

$(B)/tests/response: tests/unit/response.c $(RESPONSE) $(HEADERS)
	$(UNIT) tests/unit/response.c $(RESPONSE)

$(B)/tests/calm: tests/e2e/calm.c
	$(LINK) $(OUR_CPPFLAGS) $(CPPFLAGS) -pie tests/e2e/calm.c -lpthread

$(B)/tests/peeksplice: tests/e2e/peeksplice.c
	$(LINK) $(OUR_CPPFLAGS) $(CPPFLAGS) -pie tests/e2e/peeksplice.c

# To be called by people and .ci/run.

check: test-programs
	USHER_BUILD=$(B) tests/run

bench: all $(TOOLS)
	PATH=$$PATH:/usr/local/sbin:/usr/sbin:/sbin USHER_BUILD=$(B) \
	    $(PYTHON) tests/bench/bench.py

install: all
	mkdir -p $(DESTDIR)$(SBINDIR) $(DESTDIR)$(LIBEXECDIR) \
	    $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR) \
	    $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(EXAMPLEDIR) \
	    $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 \
	    $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(MANDIR)/man8
	install -m 755 $(B)/usherd $(DESTDIR)$(SBINDIR)
	install -m 755 $(B)/usherd-front $(B)/usherd-tls $(B)/usherd-http $(B)/usherd-relay \
	    $(B)/usherd-log \
	    $(DESTDIR)$(LIBEXECDIR)
	install -m 755 $(B)/usher $(DESTDIR)$(BINDIR)
	install -m 644 $(B)/libusher-accept.so $(DESTDIR)$(LIBDIR)
	install -m 644 src/accept/usher_accept.h $(DESTDIR)$(INCLUDEDIR)
	install -m 644 src/accept/usher_accept.c src/accept/example.c \
	    $(DESTDIR)$(EXAMPLEDIR)
	install -m 644 $(B)/usher.1 $(DESTDIR)$(MANDIR)/man1
	install -m 644 $(B)/usher-hosts.5 $(DESTDIR)$(MANDIR)/man5
	install -m 644 $(B)/usher-handoff.7 $(DESTDIR)$(MANDIR)/man7
	install -m 644 $(B)/usherd.8 $(DESTDIR)$(MANDIR)/man8

# Just what install puts there; of the directories only the two that bear our
# name, and those only when nothing else is in them.
uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/usherd \
	    $(DESTDIR)$(LIBEXECDIR)/usherd-front \
	    $(DESTDIR)$(LIBEXECDIR)/usherd-tls \
	    $(DESTDIR)$(LIBEXECDIR)/usherd-http \
	    $(DESTDIR)$(LIBEXECDIR)/usherd-relay \
	    $(DESTDIR)$(LIBEXECDIR)/usherd-log \
	    $(DESTDIR)$(BINDIR)/usher \
	    $(DESTDIR)$(LIBDIR)/libusher-accept.so \
	    $(DESTDIR)$(INCLUDEDIR)/usher_accept.h \
	    $(DESTDIR)$(EXAMPLEDIR)/usher_accept.c \
	    $(DESTDIR)$(EXAMPLEDIR)/example.c \
	    $(DESTDIR)$(MANDIR)/man1/usher.1 \
	    $(DESTDIR)$(MANDIR)/man5/usher-hosts.5 \
	    $(DESTDIR)$(MANDIR)/man7/usher-handoff.7 \
	    $(DESTDIR)$(MANDIR)/man8/usherd.8
	for d in $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(EXAMPLEDIR); do \
		[ ! -d "$$d" ] || rmdir "$$d" || :; \
	done

clean:
	rm -rf $(B)

# Fuzzing: clang's libFuzzer, and AFL by way of fuzz/driver.c.

FUZZ_SECONDS = 30
FUZZ_CC = clang
FUZZ_FLAGS = -std=c11 -g -O1 -D_GNU_SOURCE -fno-omit-frame-pointer \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
AFL_CC = afl-clang-fast
FUZZ_HELLO = fuzz/fuzz_hello.c src/parser/flight.c src/parser/hello.c \
	src/parser/hello_bearssl.c src/common/hostname.c
FUZZ_REQUEST = fuzz/fuzz_request.c src/parser/request.c src/parser/field.c \
	src/parser/authority.c src/common/hostname.c
FUZZ_CHUNKS = fuzz/fuzz_chunks.c src/parser/chunks.c src/parser/field.c
FUZZ_RESPONSE = fuzz/fuzz_response.c src/parser/response.c \
	src/parser/framing.c src/parser/lenient.c src/parser/coded.c \
	src/parser/field.c
FUZZERS = $(B)/fuzz/fuzz_hello $(B)/fuzz/fuzz_request $(B)/fuzz/fuzz_chunks \
	$(B)/fuzz/fuzz_response

fuzz: $(FUZZERS)

$(B)/fuzz/fuzz_hello: $(FUZZ_HELLO) $(HEADERS)
	mkdir -p $(B)/fuzz
	$(FUZZ_CC) $(FUZZ_FLAGS) -o $@ $(FUZZ_HELLO) $(BEARSSL)

$(B)/fuzz/fuzz_request: $(FUZZ_REQUEST) $(HEADERS)
	mkdir -p $(B)/fuzz
	$(FUZZ_CC) $(FUZZ_FLAGS) -o $@ $(FUZZ_REQUEST)

$(B)/fuzz/fuzz_chunks: $(FUZZ_CHUNKS) $(HEADERS)
	mkdir -p $(B)/fuzz
	$(FUZZ_CC) $(FUZZ_FLAGS) -o $@ $(FUZZ_CHUNKS)

$(B)/fuzz/fuzz_response: $(FUZZ_RESPONSE) $(HEADERS)
	mkdir -p $(B)/fuzz
	$(FUZZ_CC) $(FUZZ_FLAGS) -o $@ $(FUZZ_RESPONSE)

$(B)/fuzz/afl_hello: $(FUZZ_HELLO) fuzz/driver.c $(HEADERS)
	mkdir -p $(B)/fuzz
	$(AFL_CC) -std=c11 -g -O2 -D_GNU_SOURCE -o $@ fuzz/driver.c \
	    $(FUZZ_HELLO) $(BEARSSL)

fuzz-run: fuzz
	mkdir -p $(B)/fuzz/hello $(B)/fuzz/request $(B)/fuzz/chunks \
	    $(B)/fuzz/response
	$(B)/fuzz/fuzz_hello -max_total_time=$(FUZZ_SECONDS) -max_len=90000 \
	    $(B)/fuzz/hello fuzz/corpus/hello tests/hellos
	$(B)/fuzz/fuzz_request -max_total_time=$(FUZZ_SECONDS) -max_len=6000 \
	    $(B)/fuzz/request fuzz/corpus/request
	$(B)/fuzz/fuzz_chunks -max_total_time=$(FUZZ_SECONDS) -max_len=6000 \
	    $(B)/fuzz/chunks fuzz/corpus/chunks
	$(B)/fuzz/fuzz_response -max_total_time=$(FUZZ_SECONDS) -max_len=6000 \
	    $(B)/fuzz/response fuzz/corpus/response

.PHONY: all test-programs check bench install uninstall clean fuzz fuzz-run

/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "elf.h"

/*
 * Sections by which the Go linker's work is known: the first is in every
 * program since Go 1.13, the second also in older ones.  strip(1) keeps both.
 */
static const char go_info[] = ".go.buildinfo";
static const char go_note[] = ".note.go.buildid";

/* Gives -1 when the file does not have all of it. */
static int
read_all(int fd, void *to, size_t size, uint64_t offset)
{
	size_t	 got = 0;
	ssize_t	 n;

	if (offset > INT64_MAX - size)
		return -1;
	while (got < size) {
		n = pread(fd, (char *)to + got, size - got,
		    (off_t)(offset + got));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		got += (size_t)n;
	}
	return 0;
}

/* The same for an entry of a table; index and size are small numbers. */
static int
read_entry(int fd, void *to, size_t size, uint64_t table, unsigned int index)
{
	if (table > INT64_MAX)
		return -1;
	return read_all(fd, to, size, table + (uint64_t)index * size);
}

/*
 * Word size and byte order must agree before anything else in the header
 * means anything.
 */
static int
same_machine(const ElfW(Ehdr) *a, const ElfW(Ehdr) *b)
{
	return a->e_ident[EI_CLASS] == b->e_ident[EI_CLASS] &&
	    a->e_ident[EI_DATA] == b->e_ident[EI_DATA] &&
	    a->e_machine == b->e_machine;
}

/* The string that a PT_INTERP holds, with the kernel's bounds. */
static int
loader_copy(int fd, const ElfW(Phdr) *segment, char loader[PATH_MAX])
{
	if (segment->p_filesz < 2 || segment->p_filesz > PATH_MAX ||
	    read_all(fd, loader, segment->p_filesz, segment->p_offset) == -1)
		return -1;
	return loader[segment->p_filesz - 1] == '\0' ? 0 : -1;
}

static enum verdict
loader_find(int fd, const ElfW(Ehdr) *header, char loader[PATH_MAX])
{
	ElfW(Phdr)	segment;
	unsigned int	i;

	if (header->e_phentsize != sizeof(segment) || header->e_phnum == 0)
		return PROGRAM_DAMAGED;
	for (i = 0; i < header->e_phnum; i++) {
		if (read_entry(fd, &segment, sizeof(segment), header->e_phoff,
		    i) == -1)
			return PROGRAM_DAMAGED;
		if (segment.p_type != PT_INTERP)
			continue;
		return loader_copy(fd, &segment, loader) == 0 ?
		    PROGRAM_FINE : PROGRAM_DAMAGED;
	}
	return PROGRAM_STATIC;
}

/*
 * ld-linux-x86-64.so.2 and ld-musl-x86_64.so.1 do not take each other's
 * libraries.  The directory may differ: Nix and Guix have the same loader in
 * places of their own.
 */
static int
same_loader(const char *a, const char *b)
{
	const char *name_a = strrchr(a, '/');
	const char *name_b = strrchr(b, '/');

	return strcmp(name_a == NULL ? a : name_a + 1,
	    name_b == NULL ? b : name_b + 1) == 0;
}

/* PROGRAM_GO when the section whose name is at this offset is one of Go's. */
static enum verdict
name_check(int fd, const ElfW(Shdr) *names, uint64_t offset)
{
	char		name[sizeof(go_note)] = "";
	size_t		size = sizeof(name);
	uint64_t	start = names->sh_offset;

	if (offset >= names->sh_size || start > INT64_MAX)
		return PROGRAM_DAMAGED;
	if (names->sh_size - offset < size)
		size = names->sh_size - offset;
	if (read_all(fd, name, size, start + offset) == -1)
		return PROGRAM_DAMAGED;
	if (memcmp(name, go_info, sizeof(go_info)) == 0 ||
	    memcmp(name, go_note, sizeof(go_note)) == 0)
		return PROGRAM_GO;
	return PROGRAM_FINE;
}

/* At most 65535 sections, for more do not fit into e_shnum. */
static enum verdict
sections_check(int fd, const ElfW(Ehdr) *header)
{
	ElfW(Shdr)	names, section;
	enum verdict	verdict = PROGRAM_FINE;
	unsigned int	i;

	if (header->e_shoff == 0 || header->e_shstrndx == SHN_UNDEF)
		return PROGRAM_FINE;	/* stripped of them */
	if (header->e_shentsize != sizeof(section) ||
	    header->e_shstrndx >= header->e_shnum ||
	    read_entry(fd, &names, sizeof(names), header->e_shoff,
	    header->e_shstrndx) == -1)
		return PROGRAM_DAMAGED;
	for (i = 0; i < header->e_shnum && verdict == PROGRAM_FINE; i++) {
		if (read_entry(fd, &section, sizeof(section), header->e_shoff,
		    i) == -1)
			return PROGRAM_DAMAGED;
		verdict = name_check(fd, &names, section.sh_name);
	}
	return verdict;
}

/*
 * Go is looked for first.  Most Go programs are static as well, but to be told
 * only that would send somebody to link one dynamically, in vain.
 */
enum verdict
elf_check(int fd, int ours)
{
	char		loader[PATH_MAX], our_loader[PATH_MAX];
	ElfW(Ehdr)	header, our_header;
	enum verdict	verdict;

	if (read_all(ours, &our_header, sizeof(our_header), 0) == -1 ||
	    loader_find(ours, &our_header, our_loader) != PROGRAM_FINE)
		return PROGRAM_DAMAGED;
	if (read_all(fd, &header, sizeof(header), 0) == -1)
		return PROGRAM_DAMAGED;
	if (!same_machine(&header, &our_header))
		return PROGRAM_FOREIGN;
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
		return PROGRAM_DAMAGED;
	verdict = sections_check(fd, &header);
	if (verdict != PROGRAM_FINE)
		return verdict;
	verdict = loader_find(fd, &header, loader);
	if (verdict != PROGRAM_FINE)
		return verdict;
	if (!same_loader(loader, our_loader))
		return PROGRAM_LIBRARY;
	return access(loader, X_OK) == 0 ? PROGRAM_FINE : PROGRAM_NO_LOADER;
}

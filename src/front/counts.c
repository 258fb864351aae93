/* SPDX-License-Identifier: ISC */
#include <sys/mman.h>

#include <err.h>
#include <unistd.h>

#include "../common/launch.h"
#include "counts.h"

static struct counters *page;

/* Nobody else writes it, so that no lock is needed. */
static void
add(_Atomic uint64_t *what, uint64_t n)
{
	atomic_store_explicit(what,
	    atomic_load_explicit(what, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

static void
increase(_Atomic uint64_t *what)
{
	add(what, 1);
}

void
count(enum protocol protocol, enum count what)
{
	increase(&page->counts[protocol][what]);
}

void
count_refused(enum protocol protocol, enum refusal refusal)
{
	increase(&page->refused[protocol][refusal]);
}

void
count_ended(enum protocol protocol, enum ending ending, uint64_t up,
    uint64_t down)
{
	increase(&page->ended[protocol][ending]);
	add(&page->bytes[protocol][DIRECTION_UP], up);
	add(&page->bytes[protocol][DIRECTION_DOWN], down);
}

void
count_replaced(void)
{
	increase(&page->replaced);
}

void
count_present(enum gauge gauge, uint64_t n)
{
	atomic_store_explicit(&page->gauges[gauge], n, memory_order_relaxed);
}

void
counts_open(void)
{
	void	*at;
	int	 gauge;

	at = mmap(NULL, COUNTERS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    FRONT_COUNTERS, 0);
	if (at == MAP_FAILED || close(FRONT_COUNTERS) == -1)
		err(1, "page of counters");
	page = at;
	for (gauge = 0; gauge < GAUGES; gauge++)
		count_present((enum gauge)gauge, 0);
}

#pragma once
#include "../common/counters.h"
void count(enum protocol p, enum count c);
void counts_make(void);

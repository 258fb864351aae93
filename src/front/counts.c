#include "counts.h"
void count(enum protocol p, enum count c) { (void)p; (void)c; }
void counts_make(void) {}

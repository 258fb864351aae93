#include <string.h>
#include <unistd.h>
#include "log.h"
#include "../common/launch.h"
void log_send(const struct log_record *r) { if (write(FRONT_LOG, r, sizeof(*r)) == -1) {} }
void log_hosts_gone(void) { struct log_record r; memset(&r, 0, sizeof(r)); r.kind = LOG_HOSTS_GONE; log_send(&r); }
void log_loop(const char *t) { (void)t; }

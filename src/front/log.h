#include "../common/log_record.h"
void log_send(const struct log_record *);
void log_hosts_gone(void);
void log_loop(const char *);
void log_lost(void);
unsigned long long log_lost_total(void);

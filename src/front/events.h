#include "connection.h"
#define events_verdict connection_verdict
#define events_report connection_report
#define events_lost connections_lost

#include "sandbox.h"
void sandbox_enter_front(void);
void sandbox_enter_front(void) {}

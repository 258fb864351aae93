const char *sandbox_name(void);
const char *sandbox_name(void) { return "x"; }

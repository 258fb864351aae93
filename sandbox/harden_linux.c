void sandbox_harden_launcher(void);
void sandbox_harden_launcher(void) {}

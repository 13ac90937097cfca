/* placeholder: being written */
extern int ctwatch_cli_placeholder; int ctwatch_cli_placeholder = 0;

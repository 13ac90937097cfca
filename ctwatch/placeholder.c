/* placeholder: being written */
extern int ctwatch_config_placeholder; int ctwatch_config_placeholder = 0;

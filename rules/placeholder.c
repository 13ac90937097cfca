/* placeholder: being written */
extern int ctwatch_rules_placeholder; int ctwatch_rules_placeholder = 0;

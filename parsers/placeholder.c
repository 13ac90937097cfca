/* placeholder: being written */
extern int ctwatch_parsers_placeholder; int ctwatch_parsers_placeholder = 0;

/* placeholder: being written */
extern int ctwatch_state_placeholder; int ctwatch_state_placeholder = 0;

/* placeholder: being written */
extern int ctwatch_alerts_placeholder; int ctwatch_alerts_placeholder = 0;

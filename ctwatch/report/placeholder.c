/* placeholder: being written */
extern int ctwatch_report_placeholder; int ctwatch_report_placeholder = 0;

/* Private to state/: statements of state_report.h. */
#ifndef CTWATCH_STATE_REPORT_STATEMENTS_H
#define CTWATCH_STATE_REPORT_STATEMENTS_H

#define REPORT_STATEMENTS(X)

#endif

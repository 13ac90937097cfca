/* Private to report/: sentences that hold names. */
#ifndef CTWATCH_PROSE_H
#define CTWATCH_PROSE_H

#include "base.h"

/*
 * A sentence with every name and IPv4 address in it defanged: "login.example.com resembles it" becomes "login[.]example[.]com ...".
 * Numbers ("0.8", "10.5 %") and the ends of sentences stay. Not escaped. malloc'd.
 */
char *prose_defanged(const char *sentence);

#endif

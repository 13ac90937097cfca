/*
 * Text that came from a certificate, made safe for the medium it goes to; one function a medium, so that escaping is
 * decided in one place. Each appends to `out` and returns false only at the buffer's ceiling. Control characters, invalid
 * UTF-8 and bidirectional controls are shown as text_escape shows them, in every medium.
 */
#ifndef CTWATCH_RENDER_H
#define CTWATCH_RENDER_H

#include "base.h"

/* For every name or address that a person reads where a client might make a link: "drive-x[.]com", "192[.]0[.]2[.]1", "2001[:]db8::1". */
bool render_defanged(struct buf *out, const char *name);
/* The same, malloc'd. */
char *defang(const char *name);

bool render_html(struct buf *out, const char *text);              /* element text and quoted attribute values */
bool render_markdown(struct buf *out, const char *text);          /* CommonMark: nothing acts as markup, nor as a table cell's end */
bool render_csv_cell(struct buf *out, const char *text);          /* RFC 4180; a cell that a spreadsheet would run is led by an apostrophe */
bool render_slack(struct buf *out, const char *text);             /* mrkdwn: & < > as entities, and * _ ~ ` kept from pairing */
bool render_card(struct buf *out, const char *text);              /* an adaptive card's Markdown: kept from acting without marks that may show */
bool render_cef_header(struct buf *out, const char *text);        /* CEF: \ and | escaped, no line ends */
bool render_cef_value(struct buf *out, const char *text);         /* CEF extension: \ and = escaped, line ends as \n */
bool render_syslog_param(struct buf *out, const char *text);      /* RFC 5424 PARAM-VALUE: " \ ] escaped */
bool render_mail_header(struct buf *out, const char *text);       /* RFC 5322/2047: no line ends; encoded words where not ASCII */
bool render_plain(struct buf *out, const char *text);             /* a terminal or a text mail: text_escape without a limit */
bool render_uri_component(struct buf *out, const char *text);     /* RFC 3986: everything but unreserved percent-encoded */

#endif

/* placeholder: being written */
extern int ctwatch_ingest_placeholder; int ctwatch_ingest_placeholder = 0;

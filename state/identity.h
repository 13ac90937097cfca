/*
 * Private to state/: are the files that the daemon writes still those that commands and the next start will find? A descriptor
 * keeps a file alive that was removed, renamed or replaced; what is written into it is lost, and a write-ahead log beside a
 * database that is not its own destroys that one.
 */
#ifndef CTWATCH_STATE_IDENTITY_H
#define CTWATCH_STATE_IDENTITY_H

#include <sys/types.h>

#include "base.h"

struct state;

enum identity_file { FILE_DATABASE, FILE_WAL, FILE_SHM, FILE_LOCK, N_IDENTITY_FILES };

struct identity {
	bool known;
	struct {
		dev_t dev;
		ino_t ino;
	} files[N_IDENTITY_FILES];
	uint8_t header[24];          /* of the database: what never changes while it is one */
	uint32_t change_counter;     /* of the database: never goes back */
};

/* Remembers the files of an open database. */
bool identity_take(struct state *, struct error *err);
/* False, with a sentence, once they are others; the state is lost from then on. Opens nothing. */
bool identity_check(struct state *, struct error *err);
/* The file is the same and what is in it is not: another program put an older content into it. False, with a sentence. */
bool identity_lose_content(struct state *, struct error *err);

#endif

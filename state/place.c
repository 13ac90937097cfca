/* See place.h. */
#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sql.h"

#define USER_LEN 64
#define HINT_LEN 300

static const char *const CHILDREN[] = { "incidents", "issuers", "lists", "backups" };

/* ---- whose it is, for people who are not allowed ----------------------------------------------------------------- */

static const char *user_name(uid_t uid, char out[USER_LEN])
{
	char space[1024];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, space, sizeof(space), &found) == 0 && found != NULL)
		snprintf(out, USER_LEN, "%s", entry.pw_name);
	else
		snprintf(out, USER_LEN, "number %ld", (long)uid);
	return out;
}

/* What to do about a refusal: "" unless it is one. */
static const char *permission_hint(const char *path, int why, char out[HINT_LEN])
{
	char *nearest = xstrdup(path), owner[USER_LEN], user[USER_LEN];
	struct stat st;

	out[0] = '\0';
	while (stat(nearest, &st) != 0 && strrchr(nearest, '/') != NULL && strrchr(nearest, '/') != nearest)
		*strrchr(nearest, '/') = '\0';
	if ((why == EACCES || why == EPERM) && stat(nearest, &st) == 0)
		snprintf(out, HINT_LEN, "; %.100s belongs to user %s and this is user %s: run as the former (sudo -u), give the latter permission, or name another "
			 "state with --state", nearest, user_name(st.st_uid, owner), user_name(geteuid(), user));
	free(nearest);
	return out;
}

static bool refused(const char *path, int why, struct error *err)
{
	char hint[HINT_LEN];

	return error_set(err, ERR_FATAL, "cannot read %s: %s%s", path, strerror(why), permission_hint(path, why, hint));
}

/* ---- making it ---------------------------------------------------------------------------------------------------- */

static bool make_one(const char *path, mode_t mode, struct error *err)
{
	char hint[HINT_LEN];
	struct stat st;

	if (mkdir(path, mode) == 0)
		return true;
	int why = errno;
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return true;
		why = ENOTDIR;
	}
	return error_set(err, errno_kind(why), "cannot make the directory %s: %s%s", path, strerror(why), permission_hint(path, why, hint));
}

bool directory_make(const char *path, struct error *err)
{
	return make_one(path, 0750, err);
}

/* What is made below the home is nobody else's business, as ~/.local and ~/.config are by custom. */
static mode_t parent_mode(const char *path)
{
	const char *home = getenv("HOME");
	size_t len = home != NULL ? strlen(home) : 0;

	return len > 1 && strncmp(path, home, len) == 0 && path[len] == '/' ? 0700 : 0755;
}

static bool make_parents(const char *directory, struct error *err)
{
	char *path = xstrdup(directory);
	bool ok = true;

	for (char *slash = path[0] != '\0' ? strchr(path + 1, '/') : NULL; ok && slash != NULL; slash = strchr(slash + 1, '/')) {
		struct stat st;

		*slash = '\0';
		ok = stat(path, &st) == 0 || make_one(path, parent_mode(path), err);
		*slash = '/';
	}
	free(path);
	return ok;
}

/* Directories of ours that were there with more permissions: made by hand, or by a restore with other tools. */
static void close_directory(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & 0027) != 0)
		(void)chmod(path, st.st_mode & 07750);
}

bool place_make(const char *directory, struct error *err)
{
	if (!make_parents(directory, err) || !directory_make(directory, err))
		return error_context(err, "state");
	for (size_t i = 0; i < ARRAY_LEN(CHILDREN); i++) {
		char *path = xasprintf("%s/%s", directory, CHILDREN[i]);
		bool ok = directory_make(path, err);

		if (ok)
			close_directory(path);
		free(path);
		if (!ok)
			return error_context(err, "state");
	}
	return true;
}

/* SQLite makes its files as the umask has it, and those beside the database as the database is; older versions left it so. */
void place_close_files(const struct state *st)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		char *path = xasprintf("%s%s", st->db_path, suffixes[i]);
		struct stat file;

		if (stat(path, &file) == 0 && (file.st_mode & 0137) != 0)
			(void)chmod(path, file.st_mode & 0640);   /* somebody else's: then it is as they want it */
		free(path);
	}
}

bool state_is_open_to_all(const struct state *st)
{
	struct stat directory;

	return stat(st->directory, &directory) == 0 && (directory.st_mode & 0007) != 0;
}

/* ---- is it one? ------------------------------------------------------------------------------------------------------ */

static bool has_entries(const char *path)
{
	DIR *directory = opendir(path);
	bool any = false;

	for (const struct dirent *entry; directory != NULL && !any && (entry = readdir(directory)) != NULL;)
		any = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (directory != NULL)
		closedir(directory);
	return any;
}

/* What only a state that was in use leaves behind. */
static bool was_in_use(const struct state *st)
{
	bool any = false;

	for (size_t i = 0; !any && i < ARRAY_LEN(CHILDREN); i++) {
		char *path = xasprintf("%s/%s", st->directory, CHILDREN[i]);

		any = has_entries(path);
		free(path);
	}
	return any;
}

static bool log_holds_commits(const struct state *st)
{
	char *wal = xasprintf("%s-wal", st->db_path);
	struct stat file;
	bool any = stat(wal, &file) == 0 && file.st_size > 0;

	free(wal);
	return any;
}

/*
 * A database that is gone or empty where there was one is no reason to begin anew: SQLite would, and would throw away the log of the
 * one that is missing. An empty file is an accident; a missing one may be meant (docs/STATE.md), and is told.
 */
static bool check_missing(struct state *st, bool is_there, struct error *err)
{
	if (log_holds_commits(st))
		return error_set(err, ERR_FATAL, "state %s: ctwatch.db is %s, but ctwatch.db-wal beside it holds what was committed last; put ctwatch.db back, "
				 "or `ctwatch state restore` a backup", st->directory, is_there ? "empty" : "missing");
	if (!was_in_use(st))
		return true;
	if (is_there)
		return error_set(err, ERR_FATAL, "state %s: ctwatch.db is empty although this state was in use before; `ctwatch state restore` puts a backup "
				 "back, or remove ctwatch.db to begin anew", st->directory);
	if (st->mode != STATE_DAEMON)
		return error_set(err, ERR_FATAL, "state %s: ctwatch.db is missing although this state was in use before; `ctwatch state restore` puts a backup "
				 "back, `ctwatch run` begins anew", st->directory);
	st->begins_anew = true;
	return true;
}

static bool check_database(struct state *st, struct error *err)
{
	struct stat file;
	bool is_there = stat(st->db_path, &file) == 0;

	if (!is_there && errno != ENOENT)
		return refused(st->db_path, errno, err);
	if (is_there && !S_ISREG(file.st_mode))
		return error_set(err, ERR_FATAL, "state %s: ctwatch.db is not a file; move it away, or name another state directory", st->directory);
	if (is_there && faccessat(AT_FDCWD, st->db_path, R_OK, AT_EACCESS) != 0)
		return refused(st->db_path, errno, err);
	if ((!is_there || file.st_size == 0) && !check_missing(st, is_there, err))
		return false;
	if (!is_there && st->mode == STATE_READ)
		return error_set(err, ERR_FATAL, "state %s is empty; `ctwatch run` fills it", st->directory);
	return true;
}

bool place_check(struct state *st, struct error *err)
{
	struct stat directory;

	if (st->mode == STATE_DAEMON && !place_make(st->directory, err))
		return false;
	if (stat(st->directory, &directory) != 0 && errno != ENOENT)
		return refused(st->directory, errno, err);
	if (stat(st->directory, &directory) != 0)
		return error_set(err, ERR_FATAL, "there is no state at %s; `ctwatch run` makes it, or name another one with --state", st->directory);
	if (!S_ISDIR(directory.st_mode))
		return error_set(err, ERR_FATAL, "the state %s is not a directory; name another one with --state", st->directory);
	if (faccessat(AT_FDCWD, st->directory, X_OK, AT_EACCESS) != 0)
		return refused(st->directory, errno, err);
	if (st->mode == STATE_WRITE && !place_make(st->directory, err))
		return false;
	return check_database(st, err);
}

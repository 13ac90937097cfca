/*
 * Busy findings: what is kept of their older certificates. A hosting provider's domain or a log that repeats itself can bring a
 * finding any number of certificates; of those that fall out hashes and sightings stay, so that counts are right and a
 * certificate that comes again is known.
 */
#include "sql.h"

/* Gives up the oldest certificate that this finding wants in full. *done: there is none but the best one. */
static bool drop_oldest(struct state *st, int64_t finding_no, bool *done, struct error *err)
{
	int64_t certificate_no = 0;
	bool found;

	if (!ONE_INT(st, SQL_LINK_OLDEST_KEPT, &certificate_no, &found, err, INT(finding_no)))
		return false;
	*done = !found;
	return !found || (RUN(st, SQL_LINK_DROP, err, INT(finding_no), INT(certificate_no)) &&
			  RUN(st, SQL_CERTIFICATE_THIN, err, INT(certificate_no)) && RUN(st, SQL_LEAF_THIN, err, INT(certificate_no)));
}

bool thin_certificates(struct state *st, int64_t finding_no, uint64_t keep, uint64_t *n, struct error *err)
{
	int64_t kept = 0;
	bool done = false;

	if (!ONE_INT(st, SQL_LINK_COUNT_KEPT, &kept, NULL, err, INT(finding_no)))
		return false;
	for (; (uint64_t)kept > keep; kept--) {
		if (!drop_oldest(st, finding_no, &done, err))
			return false;
		if (done)
			break;
		(*n)++;
	}
	return true;
}

/* Passwords of the private servers (tests/servers.py), which every encoding changes.
 * tests/canaries.py reads them from here. */
#ifndef TESTS_UNIT_CANARIES_H
#define TESTS_UNIT_CANARIES_H

#define DATABASE_PASSWORD "canary-db@pass/w+o%41&0123456789"
#define ADMIN_PASSWORD "canary-admin@pass/w+rd&0123456789"

#endif

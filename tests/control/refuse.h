/*
 * A kernel that refuses: so many of the next calls fail, also those that libev makes.  Set it to nothing at the end of a test.
 */
#ifndef OX_TESTS_CONTROL_REFUSE_H
#define OX_TESTS_CONTROL_REFUSE_H

struct refused {
	int epoll_create1; /* EMFILE */
	int epoll_ctl;     /* to add: ENOSPC */
	int eventfd;       /* EMFILE */
};

extern struct refused refused;

#endif

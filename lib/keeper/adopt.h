/*
 * A new keeper and the herd of one that was killed.  What is there already: the token in the lock file outlives the keeper, so every
 * process that the old one started carries a mark (wire/keep.h) that says slot, generation and name.  What a new keeper does with it:
 *
 *	It looks through /proc for its token.  A marked process whose parent is not marked the same is the main process of that slot; it
 *	gets a slot in KEEP_STATE_RUNNING that is no child: its end is seen through a pidfd, its status asked for with PIDFD_GET_INFO where
 *	the kernel can (6.15), else unknown.
 *	kill_main() then signals through that pidfd, and tree_look() takes marked processes that are no descendants of ours as the slot's.
 *
 * Until that is built a new keeper starts with no slots, and what the old one left is nobody's.
 */
#ifndef OX_KEEPER_ADOPT_H
#define OX_KEEPER_ADOPT_H

struct slots;

/* Fills `all` with what an earlier keeper with the same token left; gives how many. */
int adopt_all(struct slots *all, const char *token);

#endif

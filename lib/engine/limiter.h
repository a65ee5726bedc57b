/*
 * Looks at how much the instances use that have limits, for as long as there are any that run; where nothing has a limit there is no timer.  The sum of
 * resident sets is cheap, and never less than what is really used; only where it passes a limit the shares are added up page by page.
 */
#ifndef OX_ENGINE_LIMITER_H
#define OX_ENGINE_LIMITER_H

struct brain;
struct limiter;

struct limiter *limiter_new(struct brain *b);
void limiter_free(struct limiter *l);
/* Something happened to that app: if it has limits they are looked at soon.  Asks the herd, and wishes nothing. */
void limiter_wake(struct limiter *l, const char *app);

#endif

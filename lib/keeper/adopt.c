#include "keeper/adopt.h"

int adopt_all(struct slots *all, const char *token)
{
	(void)all;
	(void)token;
	return 0;
}

#include "base/signal_name.h"

#include <string.h>

#include "base/str.h"

void signal_name_add(struct buf *out, int64_t signal)
{
	const char *name = sigabbrev_np((int)signal);

	if (name)
		buf_addf(out, "SIG%s", name);
	else
		buf_addf(out, "%lld", (long long)signal);
}

int signal_name_parse(const char *name)
{
	int64_t number = 0;

	if (str_to_int(name, &number))
		return number > 0 && number < 1000 ? (int)number : 0;
	for (int k = 1; k < 65 && str_starts(name, "SIG"); k++)
		if (str_eq(sigabbrev_np(k), name + 3))
			return k;
	return 0;
}

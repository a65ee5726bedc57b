#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { LETTER_BITS = 6, BYTE_BITS = 8, GROUP = 4, GROUP_BYTES = 3 };

void base64_write(struct buf *out, const char *bytes, size_t len)
{
	for (size_t at = 0; at < len; at += GROUP_BYTES) {
		size_t have = len - at < GROUP_BYTES ? len - at : GROUP_BYTES;
		uint32_t group = 0;

		for (size_t i = 0; i < GROUP_BYTES; i++)
			group = group << BYTE_BITS | (i < have ? (unsigned char)bytes[at + i] : 0);
		for (size_t i = 0; i < GROUP; i++)
			buf_addc(out, i <= have ? letters[group >> (GROUP - 1 - i) * LETTER_BITS & 63] : '=');
	}
}

bool base64_read(struct buf *out, const char *text)
{
	size_t len = strlen(text);
	size_t padding = 0;

	while (padding < 2 && len && text[len - 1] == '=') {
		padding++;
		len--;
	}
	if ((len + padding) % GROUP)
		return false;
	for (size_t at = 0; at < len; at += GROUP) {
		size_t have = len - at < GROUP ? len - at : GROUP;
		uint32_t group = 0;

		for (size_t i = 0; i < GROUP; i++) {
			const char *letter = i < have ? strchr(letters, text[at + i]) : letters;

			if (!letter || (i < have && !text[at + i]))
				return false;
			group = group << LETTER_BITS | (uint32_t)(letter - letters);
		}
		for (size_t i = 0; i + 1 < have; i++)
			buf_addc(out, (char)(group >> (GROUP_BYTES - 1 - i) * BYTE_BITS & 0xff));
	}
	return true;
}

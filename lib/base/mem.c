#include "base/mem.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void mem_lost(size_t size)
{
	fprintf(stderr, "out of memory: %zu bytes were refused\n", size);
	abort();
}

static size_t mem_product(size_t count, size_t size)
{
	size_t total = 0;

	if (__builtin_mul_overflow(count, size, &total))
		mem_lost((size_t)-1);
	return total;
}

void *mem_alloc(size_t size)
{
	void *ptr = malloc(size ? size : 1);

	if (!ptr)
		mem_lost(size);
	return ptr;
}

void *mem_zalloc(size_t count, size_t size)
{
	size_t total = mem_product(count, size);
	void *ptr = calloc(1, total ? total : 1);

	if (!ptr)
		mem_lost(total);
	return ptr;
}

void *mem_resize(void *old, size_t count, size_t size)
{
	size_t total = mem_product(count, size);
	void *ptr = realloc(old, total ? total : 1);

	if (!ptr)
		mem_lost(total);
	return ptr;
}

void *mem_dup(const void *bytes, size_t size)
{
	void *copy = mem_alloc(size);

	if (size)
		memcpy(copy, bytes, size);
	return copy;
}

char *mem_strdup(const char *text)
{
	return text ? mem_dup(text, strlen(text) + 1) : NULL;
}

char *mem_strndup(const char *text, size_t len)
{
	size_t n = strnlen(text, len);
	char *copy = mem_alloc(n + 1);

	memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

void mem_free(void *ptr)
{
	free(ptr);
}

/* Left alone, the library would keep blocks as large as the largest that it has seen. */
void mem_return_large(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_TRIM_THRESHOLD, 128 * 1024);
	/* A thread lives for one task, and would leave an arena of its own behind. */
	mallopt(M_ARENA_MAX, 1);
#endif
}

void mem_trim(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

#include "os/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "os/fd.h"

/* Of Linux 6.3: no program is ever run from it.  Some systems take no other. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static int open_memory(void)
{
	int fd = memfd_create("oxherd", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("oxherd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

int sealed_new(const void *bytes, size_t len)
{
	int fd = open_memory();
	int saved = 0;

	if (fd < 0)
		return -1;
	if (fd_write_all(fd, bytes, len) == 0 && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	saved = errno;
	fd_close(&fd);
	errno = saved;
	return -1;
}

const void *sealed_map(int fd, size_t size_max, size_t *len)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *bytes = NULL;

	errno = EINVAL;
	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0)
		return NULL;
	errno = EINVAL;
	if (st.st_size <= 0 || (size_t)st.st_size > size_max)
		return NULL;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	*len = (size_t)st.st_size;
	return bytes;
}

void sealed_unmap(const void *bytes, size_t len)
{
	if (bytes)
		munmap((void *)bytes, len);
}

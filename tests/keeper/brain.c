/*
 * A brain without thoughts: it hands its end of the keeper to the test that listens at TEST_BRAIN_SOCKET, and ends when the test hangs
 * up.  So the test is the brain, and this process is what can be killed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/sock.h"
#include "wire/keeper_msg.h"

int main(void)
{
	const char *path = getenv("TEST_BRAIN_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int keeper = KEEPER_FD;
	int test = -1;
	char byte = 0;

	if (!path || strlen(path) >= sizeof(address.sun_path))
		return 2;
	test = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, path, strlen(path));
	if (connect(test, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		sock_send(test, "b", 1, &keeper, 1) < 0)
		return 1;
	(void)!read(test, &byte, 1);
	close(test);
	return 0;
}

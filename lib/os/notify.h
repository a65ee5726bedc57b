/*
 * What a service says to the manager that started it (systemd's NOTIFY_SOCKET).
 */
#ifndef OX_OS_NOTIFY_H
#define OX_OS_NOTIFY_H

/* One datagram, such as "READY=1"; nothing happens where nobody listens. */
void notify_manager(const char *text);

#endif

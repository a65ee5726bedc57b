/*
 * Ways in which a server may treat its clients: each is called with the connection, and is over when it says no more.
 */
#ifndef OX_TESTS_CONTROL_MANNERS_H
#define OX_TESTS_CONTROL_MANNERS_H

typedef void (*serve)(int client);

void pause_ms(int ms);

void serve_well(int client);
void serve_redirect(int client);
void serve_error(int client);
void serve_continue(int client);
void serve_in_pieces(int client);
void serve_drip(int client);
void serve_dripping_body(int client);
void serve_endless_headers(int client);
void serve_flood(int client);
void serve_nothing(int client);
void serve_end(int client);
void serve_reset(int client);
void serve_ssh(int client);
void serve_if_well_asked(int client);

#endif

/*
 * An oxfile and its caller, as parameters of a request.
 */
#ifndef OX_CMD_OXCTL_REQUEST_H
#define OX_CMD_OXCTL_REQUEST_H

struct json;

/*
 * Adds the oxfile's absolute path, its folder and its text, read by us: so a file that only the caller may read works too.  0, or an
 * exit code with its words said.
 */
int request_add_oxfile(struct json *params, const char *path);
/*
 * Adds what the daemon may know this oxfile by, as `oxfiles`: its path as it was named, and with the folder that this leads to, by which version 0.1.0
 * knew it.  The file need not be there.
 */
void request_add_oxfiles(struct json *params, const char *path);
/* Adds the environment; what is no UTF-8 in a value becomes U+FFFD, and a name that is none is left out. */
void request_add_env(struct json *params);
void request_add_umask(struct json *params);
void request_add_limits(struct json *params);
/* Adds the folder that we are in, as `cwd`; as request_add_oxfile() when it is unknown. */
int request_add_cwd(struct json *params);

#endif

/*
 * Options that several commands have: rows of their tables (base/opt.h), with the same name, value and help everywhere.  `at` points to the
 * command's own variable.
 */
#ifndef OX_CMD_OXCTL_OPTIONS_H
#define OX_CMD_OXCTL_OPTIONS_H

#include "base/opt.h"

#define OPTION_CONFIG(variable, text)                                                                        \
	{                                                                                                    \
		.name = "config", .letter = 'c', .kind = OPT_STRING, .at = (variable), .value = "FILE",      \
		.help = (text)                                                                               \
	}
#define OPTION_PROFILE(variable)                                                                             \
	{                                                                                                    \
		.name = "env", .kind = OPT_STRING, .at = (variable), .value = "PROFILE",                     \
		.help = "lay this profile over the apps"                                                     \
	}
#define OPTION_TIMEOUT(variable, text)                                                                       \
	{                                                                                                    \
		.name = "timeout", .kind = OPT_STRING, .at = (variable), .value = "SECS",                    \
		.help = "wait at most this long (also 500ms, 2m), then exit 5" text                          \
	}
#define OPTION_WAIT(variable)                                                                                \
	{                                                                                                    \
		.name = "wait", .kind = OPT_FLAG, .at = (variable),                                          \
		.help = "until all of it is ready; exit 1 if something fails"                                \
	}
#define OPTION_JSON(variable, text)                                                                          \
	{                                                                                                    \
		.name = "json", .kind = OPT_FLAG, .at = (variable), .help = (text)                           \
	}

#endif

#ifndef CHARGEN_H
#define CHARGEN_H
#include <stddef.h>
#include <stdint.h>
const char *chargen_version(void);
#endif

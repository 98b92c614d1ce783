// Including the header makes the build notice when it changes.
#include "CChargen.h"

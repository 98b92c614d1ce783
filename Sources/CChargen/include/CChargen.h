#include "../../../include/chargen.h"

// The types of other modules that this one's users meet.
@_exported import enum Core.Cell
@_exported import struct Core.ChargenError

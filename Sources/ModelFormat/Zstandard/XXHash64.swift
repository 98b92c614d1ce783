/// The hash that ends a frame with a checksum: xxHash64 with seed 0, as its specification has it
/// (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).
func xxHash64(_ bytes: UnsafePointer<UInt8>, count: Int) -> UInt64 {
    let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    let prime5: UInt64 = 0x27D4_EB2F_1656_67C5
    func rotate(_ x: UInt64, _ count: UInt64) -> UInt64 { x &<< count | x &>> (64 - count) }
    func word(_ place: Int) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(bytes + place).loadUnaligned(as: UInt64.self))
    }
    func round(_ lane: UInt64, _ word: UInt64) -> UInt64 { rotate(lane &+ word &* prime2, 31) &* prime1 }

    var place = 0
    var hash = prime5
    if count >= 32 {
        var lanes = (prime1 &+ prime2, prime2, UInt64(0), 0 &- prime1)
        while place + 32 <= count {
            lanes = (
                round(lanes.0, word(place)), round(lanes.1, word(place + 8)), round(lanes.2, word(place + 16)),
                round(lanes.3, word(place + 24))
            )
            place += 32
        }
        hash = rotate(lanes.0, 1) &+ rotate(lanes.1, 7) &+ rotate(lanes.2, 12) &+ rotate(lanes.3, 18)
        hash = (hash ^ round(0, lanes.0)) &* prime1 &+ prime4
        hash = (hash ^ round(0, lanes.1)) &* prime1 &+ prime4
        hash = (hash ^ round(0, lanes.2)) &* prime1 &+ prime4
        hash = (hash ^ round(0, lanes.3)) &* prime1 &+ prime4
    }
    hash = hash &+ UInt64(count)
    while place + 8 <= count {
        hash = rotate(hash ^ round(0, word(place)), 27) &* prime1 &+ prime4
        place += 8
    }
    if place + 4 <= count {
        let half = UInt32(littleEndian: UnsafeRawPointer(bytes + place).loadUnaligned(as: UInt32.self))
        hash = rotate(hash ^ UInt64(half) &* prime1, 23) &* prime2 &+ prime3
        place += 4
    }
    while place < count {
        hash = rotate(hash ^ UInt64(bytes[place]) &* prime5, 11) &* prime1
        place += 1
    }
    hash = (hash ^ hash &>> 33) &* prime2
    hash = (hash ^ hash &>> 29) &* prime3
    return hash ^ hash &>> 32
}

import Core
import Testing

@Suite struct SplitMix64Tests {
    // The values of Vigna's reference implementation in C, https://prng.di.unimi.it/splitmix64.c.
    @Test(
        "The sequences are those of the reference implementation",
        arguments: [
            (
                1_234_567,
                [
                    6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                    4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
                ]
            ),
            (
                0,
                [
                    16_294_208_416_658_607_535, 7_960_286_522_194_355_700, 487_617_019_471_545_679,
                    17_909_611_376_780_542_444, 1_961_750_202_426_094_747,
                ]
            ),
            (
                .max,
                [
                    16_490_336_266_968_443_936, 16_834_447_057_089_888_969, 4_048_727_598_324_417_001,
                    7_862_637_804_313_477_842, 13_015_481_187_462_834_606,
                ]
            ),
        ] as [(UInt64, [UInt64])])
    func reference(seed: UInt64, words: [UInt64]) {
        var random = SplitMix64(seed: seed)
        #expect(words.map { _ in random.next() } == words)
    }
}

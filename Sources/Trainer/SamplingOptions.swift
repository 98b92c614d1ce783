import ArgumentParser
import InferenceEngine

/// The options by which characters are chosen.
struct SamplingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The sampling temperature: below 1 the distribution is sharpened, above 1 flattened. (default: 1)",
            valueName: "x"))
    var temperature: Float?

    @Flag(help: "Always take the likeliest character.")
    var greedy = false

    @Option(
        help: ArgumentHelp(
            "The seed of the random generator: the same seed gives the same text. The second text has the next seed, "
                + "and so on. (default: another one for each call)", valueName: "n"))
    var seed: UInt64?

    func validate() throws {
        guard !greedy || temperature == nil else { throw ValidationError("Give --greedy or --temperature, not both.") }
        if let temperature, !(temperature == 0 || (temperature >= 0.001 && temperature <= 1000)) {
            throw ValidationError("--temperature must be 0, which is --greedy, or from 0.001 to 1000.")
        }
    }
}

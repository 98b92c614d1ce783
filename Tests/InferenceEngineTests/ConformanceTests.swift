import InferenceEngine
import KernelDispatch
import ModelFormat
import Testing
import TestSupport

/// What every backend, on every processor, must give for a model, a seed, a temperature and a prompt. A change of any
/// of these texts breaks the promise that a model file and a seed mean one text.
@Suite struct ConformanceTests {
    struct Case: Sendable {
        var cell: Cell
        var seed: UInt64
        var temperature: Float
        var prompt: String
        /// The next 60 symbols, `¶` for the end of a document.
        var text: String
        /// FNV-1a over the bit patterns of all logits on the way, which tells of differences too small to alter the
        /// text.
        var logits: UInt64
    }

    static let cases = [
        Case(
            cell: .rnn, seed: 0, temperature: 1, prompt: "",
            text: "xbgzimb中ozkz中kzkm中b中ozékzokznzobdbyzbkzbkb k中zzbzbzzc,zkc中v中",
            logits: 0x67BC_A160_7224_1BCD),
        Case(
            cell: .rnn, seed: 42, temperature: 0.5, prompt: "hello ",
            text: "jko中b中szoz 中lzbmzbkékzkz.kzbzzbzm中ozbzjkmkkkmmboz中kzkbob中z中k",
            logits: 0x2050_5DFA_6A96_0436),
        Case(
            cell: .rnn, seed: 0, temperature: 0, prompt: "été",
            text: "kb中bkb.z中kboz bm中mkb中zjzézbjbzobzo中kzbzokzkmzbo中bzbkzkkékz中k",
            logits: 0xC153_9B98_D06A_B23E),
        Case(
            cell: .gru, seed: 0, temperature: 1, prompt: "",
            text: "😀pa¶amdyp😀p😀pp😀pl😀a😀😀v😀m😀paap😀😀caa😀paapapaaa😀😀nppa😀😀aa😀pa😀😀t",
            logits: 0x5A44_FA8E_25E6_B4D5),
        Case(
            cell: .gru, seed: 42, temperature: 0.5, prompt: "hello ",
            text: "pnpxm😀p¶😀¶mmp中¶😀p¶mp😀a😀paa😀p😀plpa😀😀paa😀ppaa😀😀paa😀😀paapa😀中😀😀a",
            logits: 0x5F37_880C_59BB_8B0B),
        Case(
            cell: .gru, seed: .max, temperature: 2, prompt: "中",
            text: "😀😀dpt中😀iéa.中,😀mwncaonppacr😀péaa😀p😀placcmyuayncp中中😀bzyamkmcxm",
            logits: 0xC05A_E6EB_A9B6_AD6F),
        Case(
            cell: .lstm, seed: 0, temperature: 1, prompt: "",
            text: "😀j.¶alcvd😀nvprvonvdzét中izqndt中中d, xlddnkpa aw中dlncééc vrcv¶t",
            logits: 0x5C9E_D5DA_5267_1B65),
        Case(
            cell: .lstm, seed: 42, temperature: 0.5, prompt: "hello ",
            text: "tccncvnvntnppptddndt中cotcdvvvrtvu¶vlcntcncdvtncdp¶nllnavttéa",
            logits: 0x807F_96CF_23DC_ADC1),
        Case(
            cell: .lstm, seed: .max, temperature: 2, prompt: "😀",
            text: "中😀dmvy😀fv  y zdtkccmltndcrzmv cél😀qj.eelwv,vlbnzxwcxvamgkdxk",
            logits: 0xCF9B_E412_4A76_7191),
        Case(
            cell: .gru, seed: 0, temperature: 0, prompt: "abc",
            text: "cccnnccaanpaaa😀pa😀pppaappaapaapaapaapaapaapaappaaa😀paappaaa😀",
            logits: 0x5CCB_63FF_8E99_7AE1),
    ]

    @Test("Every backend gives the text on record", arguments: cases)
    func conformance(_ expected: Case) throws {
        let bytes = try randomModel(
            expected.cell, layers: 2, hiddenSize: 40, characters: "abcdefghijklmnopqrstuvwxyz .,é中😀", range: 0.8,
            seed: 77)
        for backend in Backend.available {
            let session = try session(
                bytes, backend: backend, temperature: expected.temperature, seed: expected.seed)
            try session.feed(expected.prompt)
            var text = ""
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for _ in 0..<60 {
                for bits in session.logitBits {
                    for shift in [0, 8, 16, 24] as [UInt32] {
                        hash = (hash ^ UInt64(bits >> shift & 0xFF)) &* 0x100_0000_01B3
                    }
                }
                text += session.text(1)
            }
            #expect(text == expected.text, "\(backend.name)")
            #expect(hash == expected.logits, "\(backend.name)")
        }
    }
}

import CChargen
import InferenceEngine
import ModelFormat

@_cdecl("chargen_version")
public func chargenTest() -> UnsafePointer<CChar>? {
    let m = try? Model(path: "x")
    guard let m, let s = try? Session(m) else { return nil }
    return s.next() == nil ? nil : UnsafePointer(bitPattern: 3)
}

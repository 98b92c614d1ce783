// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CChargen
import Core
import InferenceEngine
import KernelDispatch
import ModelFormat

// The functions of a model, which a `chargen_model` points to. `@c @implementation` makes the
// compiler compare each with its declaration in include/chargen.h, which describes it.

/// The object behind a handle, or nil for NULL.
private func loaded(_ handle: OpaquePointer?) -> Model? {
    existing(handle, Model.self)
}

// MARK: - Loading

@c @implementation
public func chargen_model_load_file(
    _ path: UnsafePointer<CChar>?, _ model: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    model?.pointee = nil
    return status { () throws(ChargenError) in
        let path = try required(path, "path")
        let model = try required(model, "model")
        model.pointee = try handle(Model(.path(path)))
    }
}

@c @implementation
public func chargen_model_load_memory(
    _ bytes: UnsafeRawPointer?, _ length: Int, _ model: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    model?.pointee = nil
    return status { () throws(ChargenError) in
        let bytes = try checkedBytes(try required(bytes, "bytes"), "bytes", length, "length")
        let model = try required(model, "model")
        model.pointee = try handle(Model(bytes: bytes))
    }
}

@c @implementation
public func chargen_model_load_descriptor(
    _ descriptor: Int32, _ model: UnsafeMutablePointer<OpaquePointer?>?
) -> chargen_status {
    model?.pointee = nil
    return status { () throws(ChargenError) in
        let model = try required(model, "model")
        model.pointee = try handle(Model(.descriptor(descriptor)))
    }
}

@c @implementation
public func chargen_model_verify(
    _ model: OpaquePointer?, _ has_self_test: UnsafeMutablePointer<Int32>?
) -> chargen_status {
    has_self_test?.pointee = 0
    return status { () throws(ChargenError) in
        let hasSelfTest = try object(model, Model.self, "model").verify()
        has_self_test?.pointee = hasSelfTest ? 1 : 0
    }
}

@c @implementation
public func chargen_model_free(_ model: OpaquePointer?) {
    release(model, Model.self)
}

// MARK: - Properties

@c @implementation
public func chargen_model_cell(_ model: OpaquePointer?) -> UnsafePointer<CChar>? {
    loaded(model)?.shape.cell.name.cString ?? emptyText
}

@c @implementation
public func chargen_model_layer_count(_ model: OpaquePointer?) -> Int {
    loaded(model)?.shape.layers ?? 0
}

@c @implementation
public func chargen_model_hidden_size(_ model: OpaquePointer?) -> Int {
    loaded(model)?.shape.hiddenSize ?? 0
}

@c @implementation
public func chargen_model_parameter_count(_ model: OpaquePointer?) -> Int {
    loaded(model)?.shape.parameterCount ?? 0
}

@c @implementation
public func chargen_model_weight_type(_ model: OpaquePointer?) -> UnsafePointer<CChar>? {
    loaded(model)?.weightType.cString ?? emptyText
}

@c @implementation
public func chargen_model_backend(_ model: OpaquePointer?) -> UnsafePointer<CChar>? {
    loaded(model)?.backend.name.cString ?? emptyText
}

@c @implementation
public func chargen_model_provenance(
    _ model: OpaquePointer?, _ length: UnsafeMutablePointer<Int>?
) -> UnsafePointer<CChar>? {
    let provenance = loaded(model)?.provenanceText
    length?.pointee = provenance.map { $0.count - 1 } ?? 0
    return provenance.map { UnsafePointer($0.pointer) } ?? emptyText
}

@c @implementation
public func chargen_model_has_end_of_document(_ model: OpaquePointer?) -> Int32 {
    loaded(model)?.vocabulary.hasEndOfDocument == true ? 1 : 0
}

@c @implementation
public func chargen_model_has_unknown(_ model: OpaquePointer?) -> Int32 {
    loaded(model)?.vocabulary.hasUnknown == true ? 1 : 0
}

@c @implementation
public func chargen_model_character_count(_ model: OpaquePointer?) -> Int {
    loaded(model)?.vocabulary.characters.count ?? 0
}

@c @implementation
public func chargen_model_character(
    _ model: OpaquePointer?, _ index: Int, _ character: UnsafeMutablePointer<UInt32>?
) -> chargen_status {
    character?.pointee = 0
    return status { () throws(ChargenError) in
        let characters = try object(model, Model.self, "model").vocabulary.characters
        let character = try required(character, "character")
        guard characters.indices.contains(index) else {
            throw ChargenError(
                .invalidArgument, "the argument 'index' must be from 0 to \(characters.count - 1) for this model")
        }
        character.pointee = characters[index]
    }
}

@c @implementation
public func chargen_model_knows(_ model: OpaquePointer?, _ character: UInt32) -> Int32 {
    loaded(model)?.vocabulary.symbol(of: character) == nil ? 0 : 1
}

@c @implementation
public func chargen_model_max_character_bytes(_ model: OpaquePointer?) -> Int {
    loaded(model)?.vocabulary.maximumUTF8Length ?? 0
}

private var emptyText: UnsafePointer<CChar> {
    ("" as StaticString).cString
}

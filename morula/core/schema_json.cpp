// JSON in and out of option values.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "morula/core/error.hpp"
#include "morula/core/schema.hpp"

namespace morula {
namespace {

using Json = nlohmann::ordered_json;

Json value_to_json(const FieldValue& value) {
    return std::visit([](const auto& held) -> Json {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(held)>, std::monostate>) return nullptr;
        else return held;
    }, value);
}

FieldValue value_from_json(const FieldSchema& field, const Json& json) {
    if (json.is_null()) return {};
    if (json.is_boolean()) return json.get<bool>();
    if (json.is_number_integer()) return json.get<std::int64_t>();
    if (json.is_number()) return json.get<double>();
    if (json.is_string()) return json.get<std::string>();
    if (json.is_array() && field.type == FieldType::real_list) {
        std::vector<double> numbers;
        for (const Json& each : json) {
            if (!each.is_number()) fail(ErrorCode::usage, fmt::format("{} must hold numbers.", field.name), field.help);
            numbers.push_back(each.get<double>());
        }
        return numbers;
    }
    if (json.is_array()) {
        std::vector<std::string> texts;
        for (const Json& each : json) {
            if (!each.is_string()) fail(ErrorCode::usage, fmt::format("{} must hold texts.", field.name), field.help);
            texts.push_back(each.get<std::string>());
        }
        return texts;
    }
    fail(ErrorCode::usage, fmt::format("{} has a value of a kind that no option takes.", field.name), field.help);
}

std::string json_type(FieldType type) {
    switch (type) {
        case FieldType::boolean: return "boolean";
        case FieldType::integer: return "integer";
        case FieldType::real: return "number";
        case FieldType::text:
        case FieldType::choice: return "string";
        case FieldType::text_list:
        case FieldType::real_list: return "array";
    }
    return "string";
}

Json property_of(const FieldSchema& field) {
    Json property;
    if (field.is_optional) property["type"] = Json::array({json_type(field.type), "null"});
    else property["type"] = json_type(field.type);
    property["description"] = field.unit.empty() ? field.help : fmt::format("{} Unit: {}.", field.help, field.unit);
    if (field.type == FieldType::text_list) property["items"] = {{"type", "string"}};
    if (field.type == FieldType::real_list) property["items"] = {{"type", "number"}};
    if (!field.choices.empty()) property["enum"] = field.choices;
    if (std::isfinite(field.minimum)) property["minimum"] = field.minimum;
    if (std::isfinite(field.maximum)) property["maximum"] = field.maximum;
    if (!field.is_required) property["default"] = value_to_json(field.default_value);
    return property;
}

}  // namespace

std::string to_json(const FieldValues& values) {
    Json object = Json::object();
    for (const auto& [name, value] : values) object[name] = value_to_json(value);
    return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

FieldValues values_from_json(const Schema& schema, std::string_view json) {
    const Json object = Json::parse(json, nullptr, false);
    if (!object.is_object()) fail(ErrorCode::usage, "The options must be one JSON object.", "Write {\"name\": value, ...}.");
    FieldValues values;
    for (const auto& [name, each] : object.items()) {
        const FieldSchema& field = find_field(schema, name);
        FieldValue value = value_from_json(field, each);
        check_field(field, value);
        values.emplace_back(name, std::move(value));
    }
    return values;
}

std::string to_json_schema(const Schema& schema, std::string_view title) {
    Json out;
    out["$schema"] = "https://json-schema.org/draft/2020-12/schema";
    out["title"] = title;
    out["type"] = "object";
    out["additionalProperties"] = false;
    Json properties = Json::object();
    Json required = Json::array();
    for (const FieldSchema& field : schema) {
        properties[field.name] = property_of(field);
        if (field.is_required) required.push_back(field.name);
    }
    out["properties"] = properties;
    if (!required.empty()) out["required"] = required;
    return out.dump(2);
}

}  // namespace morula

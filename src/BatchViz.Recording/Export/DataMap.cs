using System.Text.Json;
using BatchViz.Core.Data;

namespace BatchViz.Recording.Export;

/// <summary>
/// Where the examples of a table come from: rows of the file, and the columns' means and deviations. docs/exports.md has the keys.
/// </summary>
public static class DataMap
{
    public const string FileName = "data.json";

    /// <summary>Whether there is anything to say: other data sets number their examples as their files do.</summary>
    public static bool Has(DataSet data) => data.Columns is not null;

    /// <summary>All of it as JSON.</summary>
    public static void Write(DataSet data, Stream stream)
    {
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        WriteColumns(data, json);
        WriteRows("trainRows", data.Train, json);
        if (data.Test is { } test)
            WriteRows("testRows", test, json);
        json.WriteEndObject();
    }

    /// <summary>The file and its columns as JSON, for where the rows are elsewhere.</summary>
    public static string Columns(DataSet data)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            WriteColumns(data, json);
            json.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void WriteColumns(DataSet data, Utf8JsonWriter json)
    {
        json.WriteString("file", data.Name);
        json.WriteStartArray("columns");
        foreach (var column in data.Columns!)
        {
            json.WriteStartObject();
            json.WriteString("name", column.Name);
            json.WriteNumber("mean", column.Mean);
            json.WriteNumber("deviation", column.Deviation);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteRows(string key, DataSplit split, Utf8JsonWriter json)
    {
        json.WriteStartArray(key);
        foreach (int row in split.Rows!)
            json.WriteNumberValue(row);
        json.WriteEndArray();
    }
}

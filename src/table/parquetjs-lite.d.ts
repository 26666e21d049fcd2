/** What is called of parquetjs-lite, which ships no types. */
declare module 'parquetjs-lite' {
  export interface ParquetField {
    readonly type: 'UTF8' | 'DOUBLE'
    readonly compression?: 'UNCOMPRESSED' | 'SNAPPY' | 'GZIP'
  }
  export interface ParquetSchema {
    readonly fields: Readonly<Record<string, unknown>>
  }
  export class ParquetWriter {
    static openFile(
      schema: ParquetSchema,
      path: string,
      options?: { rowGroupSize?: number },
    ): Promise<ParquetWriter>
    appendRow(row: Readonly<Record<string, string | number>>): Promise<void>
    close(): Promise<void>
  }
  export class ParquetReader {
    static openFile(path: string): Promise<ParquetReader>
    getCursor(): { next(): Promise<Record<string, unknown> | null> }
    close(): Promise<void>
  }
  const parquet: {
    ParquetSchema: new (fields: Readonly<Record<string, ParquetField>>) => ParquetSchema
    ParquetWriter: typeof ParquetWriter
    ParquetReader: typeof ParquetReader
  }
  export default parquet
}

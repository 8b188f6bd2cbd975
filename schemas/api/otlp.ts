import { z } from 'zod';

/** 64-bit integers are texts in ProtoJSON. */
const int64 = () => z.string().regex(/^\d+$/);

/** ExportTraceServiceResponse in OTLP/JSON. Without `partialSuccess` all was taken. */
export const ExportTraceAnswer = z.object({
  partialSuccess: z.object({ rejectedSpans: int64(), errorMessage: z.string() }).optional(),
});

/** ExportLogsServiceResponse in OTLP/JSON. */
export const ExportLogsAnswer = z.object({
  partialSuccess: z.object({ rejectedLogRecords: int64(), errorMessage: z.string() }).optional(),
});

/** google.rpc.Status in JSON: how OTLP refuses. */
export const OtlpStatus = z.object({ code: z.int(), message: z.string() });
